/* version: the one line that carries it. */
#ifndef WSCALE_VERSION_H
#define WSCALE_VERSION_H

#define WSCALE_VERSION "0.1.0"

#endif
