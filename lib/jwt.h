/*
 * jwt: JSON Web Tokens with HS256 and nothing else (RFC 7519, RFC 7515): checked and signed.
 * Claims: sub, exp (seconds; required), subscribe and publish (arrays of channel patterns, or one
 * string). A token without `subscribe` may subscribe to anything; one without `publish` publishes
 * where the channel's rule says anyone.
 */
#ifndef WSCALE_JWT_H
#define WSCALE_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JWT_MAX = 4096, JWT_KEY_MIN = 32 }; /* RFC 7518 3.2: at least 256 bits of key */

struct grants {
	char *sub;        /* NULL without */
	int64_t exp;      /* Unix seconds; 0: never (shared token) */
	char **subscribe; /* patterns, NULL-terminated; NULL: everything */
	char **publish;   /* patterns, NULL-terminated; NULL: no channel is named */
	bool all;         /* the shared token: publishes to publish: token channels too */
};

/*
 * Verifies the signature in constant time, then alg, typ, nbf and exp against now. 0, or -1 with
 * *why (static text: "expired", "not valid yet", "bad signature", "malformed"). *out is the
 * caller's: grants_free.
 */
int jwt_verify(const char *token, size_t len, const uint8_t *key, size_t key_len, int64_t now,
               struct grants *out, const char **why);
/* Signs claims (a JSON object's text). Returns malloc'd text or NULL. */
char *jwt_sign(const char *claims_json, const uint8_t *key, size_t key_len);
/* Empties what jwt_verify filled; the struct is the caller's. NULL is fine. */
/* Empties it; the struct itself stays the caller's. NULL is fine. */
void grants_free(struct grants *);
bool grants_subscribe(const struct grants *, const char *channel);
/* Whether a claim names the channel (rule `publish: token`). */
bool grants_publish(const struct grants *, const char *channel);

#endif
