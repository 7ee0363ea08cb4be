/* metrics: /metrics in Prometheus' text format 0.0.4. */
#ifndef WSNODE_METRICS_H
#define WSNODE_METRICS_H

struct buf;

void metrics_text(struct buf *);

#endif
