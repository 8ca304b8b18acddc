/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt-connection.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "io.h"
#include "xml.h"

static void print_line(FILE *to, const char *word, const char *format, va_list arguments)
{
    _cleanup_(error_free) struct error line = {0};
    char text[1024];
    vsnprintf(text, sizeof text, format, arguments);
    error_set(&line, EIO, "%s", text);
    fprintf(to, "%s%s\n", word, line.message);
}

int libvirt_complain(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(stderr, "", format, arguments);
    va_end(arguments);
    return code;
}

void libvirt_say(const char *word, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(stdout, word, format, arguments);
    va_end(arguments);
}

const char *libvirt_words(void)
{
    const char *words = virGetLastErrorMessage();
    /* What the client library makes of a daemon that does not know the call. */
    if (virGetLastErrorCode() == VIR_ERR_NO_SUPPORT)
        return "this libvirt has no network ports: vfpool takes 5.5.0 or later";
    return words ? words : "unknown error";
}

int libvirt_connect(const char *uri, virConnectPtr *connection)
{
    *connection = virConnectOpen(uri);
    if (*connection)
        return 0;
    return libvirt_complain(GATE_NO_DAEMON, "cannot reach libvirt: %s: is libvirtd (or virt%.*sd) running?",
                            libvirt_words(), (int)strcspn(uri, ":"), uri);
}

int libvirt_network_find(const char *name, struct libvirt_network *network)
{
    int result = libvirt_connect("network:///system", &network->connection);
    network->name = name;
    if (result != 0)
        return result;
    network->handle = virNetworkLookupByName(network->connection, name);
    if (!network->handle && virGetLastErrorCode() == VIR_ERR_NO_NETWORK)
        return libvirt_complain(GATE_NO_NETWORK, "libvirt has no network '%s': run 'vfpool reconcile'", name);
    return network->handle ? 0 : libvirt_complain(GATE_FAILED, "libvirt network '%s': %s", name, libvirt_words());
}

/* The addresses in the <forward> of an active network. */
static void read_listed(struct libvirt_network *network, xmlNodePtr root)
{
    pciaddr_set_free(&network->listed);
    for (xmlNodePtr node = xml_child(xml_child(root, "forward"), "address"); node; node = xml_next(node)) {
        struct pciaddr address;
        if (xml_pci_address(node, &address) == 0)
            pciaddr_set_add(&network->listed, &address);
    }
}

int libvirt_network_read(struct libvirt_network *network)
{
    _cleanup_(error_free) struct error error = {0};
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    char *text = virNetworkGetXMLDesc(network->handle, 0);
    if (!text)
        return libvirt_network_failed(network, "cannot be read");
    int result = xml_parse(text, strlen(text), "libvirt's network", &doc, &error);
    free(text);
    if (result < 0)
        return libvirt_complain(GATE_FAILED, "libvirt network '%s': %s", network->name, error.message);
    _cleanup_(cleanup_xml_string) char *number = xml_attribute(xmlDocGetRootElement(doc), "connections");
    network->connections = number ? (int)strtol(number, NULL, 10) : 0;
    read_listed(network, xmlDocGetRootElement(doc));
    return 0;
}

int libvirt_network_start(const struct libvirt_network *network, char *words, size_t size)
{
    words[0] = '\0';
    if (virNetworkIsActive(network->handle) == 1 || virNetworkCreate(network->handle) == 0)
        return 0;
    /* The next call forgets them. */
    snprintf(words, size, "%s", libvirt_words());
    /* Another one may have started it meanwhile. */
    return virNetworkIsActive(network->handle) == 1 ? 0 : -1;
}

int libvirt_network_failed(const struct libvirt_network *network, const char *what)
{
    char words[512];
    snprintf(words, sizeof words, "%s", libvirt_words());
    if (virNetworkIsActive(network->handle) == 0)
        return libvirt_complain(GATE_NO_NETWORK, "libvirt network '%s' is not active: run 'vfpool reconcile'",
                                network->name);
    return libvirt_complain(GATE_FAILED, "libvirt network '%s' %s: %s", network->name, what, words);
}

void libvirt_network_close(struct libvirt_network *network)
{
    pciaddr_set_free(&network->listed);
    if (network->handle)
        virNetworkFree(network->handle);
    if (network->connection)
        virConnectClose(network->connection);
}

int libvirt_input(char **input)
{
    size_t length = 0;
    int result = io_read(STDIN_FILENO, XML_MAX_BYTES, IO_NO_DEADLINE, input, &length);
    if (result == 0)
        return 0;
    (void)libvirt_complain(GATE_FAILED, "cannot read standard input: %s", strerror(-result));
    return -1;
}
