/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * builtin - the style sheets and the schema, built into the program
 *
 * The hook has to work with what it was built with, whatever happens to files beside it during an upgrade. The files
 * in xslt/ and lib/pool/pool.rng are the source; install.sh also installs them to be read.
 */
#ifndef VFPOOL_BUILTIN_H
#define VFPOOL_BUILTIN_H

#include <stddef.h>

#define BUILTIN(name)                                                                                                  \
    extern const char builtin_##name[];                                                                                \
    extern const char builtin_##name##_end[]

BUILTIN(pool_rng);
BUILTIN(hostdev_xsl);
BUILTIN(network_xsl);
BUILTIN(table_xsl);
BUILTIN(json_xsl);
BUILTIN(page_xsl);
BUILTIN(prometheus_xsl);
BUILTIN(cluster_xsl);

/* Two labels of one object: cppcheck, which takes them for two, is told (Makefile). */
#define builtin_length(name) ((size_t)(builtin_##name##_end - builtin_##name))

#endif
