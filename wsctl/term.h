/*
 * term: the terminal while something is redrawn on it: another screen, no echo, keys at once; and
 * all of that undone whatever ends the program. One at a time.
 */
#ifndef WSCTL_TERM_H
#define WSCTL_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Standard input and output are a terminal that can be redrawn. */
bool term_is(void);
/* Colour is wanted there: NO_COLOR isn't set (no-color.org), TERM isn't dumb. */
bool term_colour(void);
/* 0, or -1: it isn't a terminal. */
int term_enter(void);
void term_leave(void);
/* At least 20 columns and 2 lines. */
void term_size(unsigned *columns, unsigned *lines);

enum term_key {
	TERM_NOTHING, /* the time is over */
	TERM_REDRAW,  /* its size has changed, or it was given back after Ctrl-Z */
	TERM_GONE,    /* nobody is there any more */
	TERM_FD,      /* the other descriptor can be read */
	TERM_UP,
	TERM_DOWN,
	TERM_PAGE_UP,
	TERM_PAGE_DOWN,
	TERM_CHAR, /* *c */
};
/* The next thing that happens, within wait_ms; fd: another one to wait for, or -1. */
enum term_key term_next(int fd, uint64_t wait_ms, char *c);
/* All of it, or nothing when the terminal is gone. */
void term_write(const char *, size_t);

#endif
