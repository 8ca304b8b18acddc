/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See builtin.h. The assembler's include path is the source tree. */
        .macro  builtin symbol, file
        .global builtin_\symbol
        .global builtin_\symbol\()_end
        .type   builtin_\symbol, %object
builtin_\symbol:
        .incbin "\file"
builtin_\symbol\()_end:
        .byte   0
        .endm

        .section .rodata
        builtin pool_rng, "lib/pool.rng"
        builtin hostdev_xsl, "xslt/hostdev.xsl"
        builtin network_xsl, "xslt/network.xsl"
        builtin table_xsl, "xslt/table.xsl"
        builtin json_xsl, "xslt/json.xsl"

        .section .note.GNU-stack, "", %progbits
