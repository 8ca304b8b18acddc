/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See builtin.h. The assembler's include path is the source tree.
 *
 * The assembler's lines are in C for what the compiler adds: one object without the notes of -fcf-protection or
 * -mbranch-protection, and the linker takes them from the whole program.
 */
#include "builtin.h"

#define FILE_AS(symbol, file)                                                                                          \
    __asm__(".pushsection .rodata\n"                                                                                   \
            "\t.global builtin_" #symbol ", builtin_" #symbol "_end\n"                                                 \
            "\t.type builtin_" #symbol ", %object\n"                                                                   \
            "builtin_" #symbol ":\n"                                                                                   \
            "\t.incbin \"" file "\"\n"                                                                                 \
            "builtin_" #symbol "_end:\n"                                                                               \
            "\t.byte 0\n"                                                                                              \
            "\t.popsection")

FILE_AS(pool_rng, "lib/pool/pool.rng");
FILE_AS(hostdev_xsl, "xslt/hostdev.xsl");
FILE_AS(network_xsl, "xslt/network.xsl");
FILE_AS(table_xsl, "xslt/table.xsl");
FILE_AS(json_xsl, "xslt/json.xsl");
FILE_AS(page_xsl, "xslt/page.xsl");
FILE_AS(prometheus_xsl, "xslt/prometheus.xsl");
FILE_AS(cluster_xsl, "xslt/cluster.xsl");
