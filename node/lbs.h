/*
 * lbs: through which balancer, and which of its worker processes, each client came: the X-LB header
 * that the balancer sets ("HOST-PID"). A few names, counted; a session keeps the number of its own.
 */
#ifndef WSNODE_LBS_H
#define WSNODE_LBS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "http.h"

enum {
	LB_MAX = 80,  /* longer values are as good as none */
	LBS_MAX = 255 /* names at one time; the clients of more have none */
};

/* The header's value as it is kept; "" when there is none, or it is no name. */
void lbs_name(struct slice header, char out[static LB_MAX + 1]);
/* A client more, by that name. Its number, 0 for "". */
uint8_t lbs_came(const char *name);
/* It was told to close, and it is gone; every client that came does first the one, then the other.
 */
void lbs_closing(uint8_t);
void lbs_gone(uint8_t);

/* Those to be retired: every client that has come by this name, and still comes while any is left.
 * How many there are now. */
uint32_t lbs_retire(const char *name);
bool lbs_retiring(uint8_t);
/* Clients that are to be retired and weren't told yet. */
uint32_t lbs_left(void);
/* {"lb1-4711": 412, ...}: clients that aren't gone. */
json_t *lbs_json(void);

#endif
