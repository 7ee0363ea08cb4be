/* options: wsnode's command line. */
#ifndef WSNODE_OPTIONS_H
#define WSNODE_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *config; /* -c */
	const char *name;
	const char *listen, *redis;
	bool standalone, demo;
};

/* 0; 1: help or version was printed, exit 0; -1: usage, already explained, exit 64. */
int options_parse(int argc, char **argv, struct options *);

#endif
