/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exit - who leaves without a farewell says what was reached, too; included in front of each file (make coverage) */
#ifndef VFPOOL_TESTS_COVERAGE_EXIT_H
#define VFPOOL_TESTS_COVERAGE_EXIT_H

#include <unistd.h>

void __gcov_dump(void);

#define _exit(code) (__gcov_dump(), (_exit)(code))

#endif
