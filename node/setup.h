/* setup: from options and YAML to a configured node, at start and at SIGHUP. */
#ifndef WSNODE_SETUP_H
#define WSNODE_SETUP_H

struct options;

/* Fills `node`. 0, or -1 and the reasons on stderr. */
int setup_node(const struct options *);
/* Reads the YAML again and applies it; a bad file changes nothing and is told. */
void setup_reload(void);

#endif
