/*
 * node_yaml: the part of the YAML that a node's host needs: what all nodes share, and that node.
 * Pure: text in, text out.
 */
#ifndef WSCTL_NODE_YAML_H
#define WSCTL_NODE_YAML_H

#include "../lib/config.h"

struct errs;

/*
 * text: the YAML that cfg was parsed from. malloc'd, parsed again, and with the hash of cfg
 * (config_hash); NULL with an error that says why not.
 */
char *node_yaml(const struct config *cfg, const char *text, const char *name,
                const struct endpoint *listen, struct errs *);

#endif
