/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vfpool - the person's door: one verb a call, from one table that also prints the help */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "program.h"

static const struct command commands[] = {
    {"transform", "[--op prepare|restore|migrate] FILE|-",
     "print a domain's XML with the VFs it would get now; claims nothing", cmd_transform},
    {"status", "[POOL] [--format table|json|xml]", "show every VF, its state and who holds it", cmd_status},
    {"dumpxml", "POOL", "print the pool as libvirt's network XML, every VF listed", cmd_dumpxml},
    {"network", "POOL", "print the network that libvirt has to have for a pool; reconcile defines it", cmd_network},
    {"discover", "[PF...]", "print a ready pool file for the SR-IOV cards found", cmd_discover},
    {"release", "GUEST|UUID|ADDRESS", "take VFs back by hand", cmd_release},
    {"reconcile", "[--dry-run]", "set up what is missing and repair what a crash left behind", cmd_reconcile},
};
#define COMMANDS (sizeof commands / sizeof *commands)

int command_usage(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return COMMAND_USAGE;
}

static int print_help(void)
{
    printf("usage: vfpool COMMAND [ARGUMENT...]\n\n"
           "SR-IOV virtual functions for libvirt guests, from pools.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %s%s%s\n      %s\n", commands[i].name, commands[i].arguments[0] ? " " : "", commands[i].arguments,
               commands[i].help);
    printf("\nExit status: 0 done; 1 failed, with the reason on standard error; 2 wrong arguments.\n"
           "Pools are /etc/vfpool/NAME.xml: vfpool.xml(5). All: vfpool(8). The hook: vfpool-hook(8).\n");
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct error error = {0};
    opterr = 0;
    int root = program_start(&error);
    int result = root < 0 ? root : command->run(root, argc, argv, &error);
    if (root >= 0)
        close(root);
    if (result != COMMAND_USAGE)
        return program_end(&error, result);
    fprintf(stderr, "vfpool: %s; usage: vfpool %s %s\n", error.message, command->name, command->arguments);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "vfpool: no command given; vfpool --help lists them\n");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return print_help();
    if (strcmp(argv[1], "--version") == 0)
        return printf("vfpool %s\n", VFPOOL_VERSION) > 0 && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(&commands[i], argc - 1, argv + 1);
    fprintf(stderr, "vfpool: there is no command '%.64s'; vfpool --help lists them\n", argv[1]);
    return EXIT_USAGE;
}
