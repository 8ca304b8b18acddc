/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vfpool - the person's door: one verb a call, from one table that also prints the help */
#include <errno.h>
#include <getopt.h>
#include <libxml/parser.h>
#include <libxslt/xslt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor.h"
#include "command.h"
#include "program.h"
#include "version.h"

static const struct command commands[] = {
    {"transform", "[--op prepare|restore|migrate] FILE|-",
     "print a domain's XML with the VFs it would get now; claims nothing", false, cmd_transform},
    {"explain", "[--wide] [--color[=WHEN]] [--format table|json|xml] GUEST|FILE|-",
     "say of every VF why a guest got it or would get it, or not", false, cmd_explain},
    {"status",
     "[POOL] [--long] [--wide] [--summary] [--state STATE] [--pf PF] [--guest GUEST] [--watch] [--color[=WHEN]] "
     "[--format table|json|xml|html|prometheus] [--output FILE]",
     "show every VF, its state and who holds it", false, cmd_status},
    {"history",
     "[--since TIME] [--last N] [--guest GUEST] [--vf VF] [--pool POOL] [--follow] [--color[=WHEN]] "
     "[--format table|json|xml] "
     "[GUEST|UUID|ADDRESS]",
     "show who had which VF when, and who was refused", false, cmd_history},
    {"doctor", "[--color[=WHEN]] [--format table|json|xml]",
     "check host, pools, hooks and libvirt, and say how to mend what is wrong", false, cmd_doctor},
    {"needs", "[--format table|json|xml|crm|pcs] FILE|-...",
     "say how many VFs of each pool domains ask for, for a cluster too", false, cmd_needs},
    {"dumpxml", "POOL", "print the pool as libvirt's network XML, every VF listed", false, cmd_dumpxml},
    {"network", "POOL", "print the network that libvirt has to have for a pool; reconcile defines it", false,
     cmd_network},
    {"discover", "[--name NAME] [PF...]", "print a ready pool file for the SR-IOV cards found", false, cmd_discover},
    {"check", "[--alone] FILE|-...", "say what is wrong with pool files, by themselves and on this host", false,
     cmd_check},
    {"define", "[--alone] [--dry-run] [--format table|json|xml] FILE|-",
     "check a pool file, put it in its place, and reconcile", true, cmd_define},
    {"edit", "[--alone] POOL", "edit a pool file, and define what comes of it", true, cmd_edit},
    {"undefine", "[--force] [--dry-run] [--format table|json|xml] POOL", "take a pool file away, and reconcile", true,
     cmd_undefine},
    {"drain", "[--reason TEXT] [--wait SECONDS] [--dry-run] [--format table|json|xml] PF|ADDRESS",
     "give no new guest the VFs of a PF, or a VF; guests keep theirs", true, cmd_drain},
    {"undrain", "[--dry-run] [--format table|json|xml] PF|ADDRESS", "give them to guests again", true, cmd_undrain},
    {"release", "[--force] [--dry-run] [--format table|json|xml] GUEST|UUID|ADDRESS", "take VFs back by hand", true,
     cmd_release},
    {"open", "[--settings] [--dry-run] [--format table|json|xml]",
     "open what is blocked on libvirt's networks, so that libvirt picks by itself", true, cmd_open},
    {"reconcile", "[--boot] [--wait SECONDS] [--dry-run] [--format table|json|xml]",
     "set up what is missing and repair what a crash left behind", true, cmd_reconcile},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static int finish_stdout(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_OK;
    fprintf(stderr, "vfpool: cannot write to standard output: %s\n", strerror(errno));
    return EXIT_FAILED;
}

static int print_version(void)
{
    /* Of the libraries that run, which need not be those that it was built with. */
    long xml = strtol(xmlParserVersion, NULL, 10), xslt = xsltLibxsltVersion;
    printf("vfpool %s\n", VFPOOL_VERSION);
    printf("libxml2 %ld.%ld.%ld, libxslt %ld.%ld.%ld\n", xml / 10000, xml / 100 % 100, xml % 100, xslt / 10000,
           xslt / 100 % 100, xslt % 100);
    printf("vfpool-gate built with libvirt %s (vfpool doctor says which one answers)\n", LIBVIRT_BUILT);
    return finish_stdout();
}

static int print_help(void)
{
    printf("usage: vfpool COMMAND [ARGUMENT...]\n\n"
           "SR-IOV virtual functions for libvirt guests, from pools.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %s%s%s\n      %s\n", commands[i].name, commands[i].arguments[0] ? " " : "", commands[i].arguments,
               commands[i].help);
    printf("\nExit status: 0 done; 2 wrong arguments; else failed, with the reason on standard error: vfpool(8).\n"
           "Pools are /etc/vfpool/NAME.xml: vfpool.xml(5). All: vfpool(8). The hook: vfpool-hook(8).\n");
    return finish_stdout();
}

static int print_usage(const struct command *command)
{
    printf("usage: vfpool %s%s%s\n      %s\n", command->name, command->arguments[0] ? " " : "", command->arguments,
           command->help);
    return finish_stdout();
}

/* One table for scripts: EXIT STATUS of vfpool(8). doctor has that of a monitoring plugin, of which 3 is "unknown";
 * check says yes or no. */
static int exit_status(const struct command *command, int result)
{
    if (command->run == cmd_doctor)
        return EXIT_UNKNOWN;
    if (command->run == cmd_check)
        return EXIT_FAILED;
    static const int statuses[] = {[ERROR_INPUT] = EXIT_INPUT,
                                   [ERROR_EXHAUSTED] = EXIT_NONE,
                                   [ERROR_REFUSED] = EXIT_REFUSED,
                                   [ERROR_SILENT] = EXIT_SILENT,
                                   [ERROR_OTHER] = EXIT_FAILED};
    return statuses[error_kind(-result)];
}

static int run(const struct command *command, int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return print_usage(command);
    _cleanup_(error_free) struct error error = {0};
    program_guard_memory(EXIT_FAILED);
    opterr = 0;
    int root = program_start(&error);
    if (command->changes)
        actor_be_user();
    int result = root < 0 ? root : command->run(root, argc, argv, &error);
    if (root >= 0)
        close(root);
    if (result != COMMAND_USAGE) {
        int status = program_end(&error, result < 0 ? result : 0);
        return result < 0 ? exit_status(command, result) : result > 0 ? result : status;
    }
    fprintf(stderr, "vfpool: %s; usage: vfpool %s %s\n", error.message, command->name, command->arguments);
    return command->run == cmd_doctor ? EXIT_UNKNOWN : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "vfpool: no command given; vfpool --help lists them\n");
        return EXIT_USAGE;
    }
    bool help = strcmp(argv[1], "help") == 0;
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || (help && argc == 2))
        return print_help();
    if (strcmp(argv[1], "--version") == 0)
        return print_version();
    const char *name = help ? argv[2] : argv[1];
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return help ? print_usage(&commands[i]) : run(&commands[i], argc - 1, argv + 1);
    fprintf(stderr, "vfpool: there is no command '%.64s'; vfpool --help lists them\n", name);
    return EXIT_USAGE;
}
