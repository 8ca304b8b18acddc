/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest file of the ledger: what was read, and is written, is read as the same. */
#include "claim.h"
#include "fuzz.h"
#include "xml.h"

/* The ledger takes the UUID from the file's name; here it is the one inside, where that is one. */
static void find_uuid(const char *text, size_t size, char uuid[UUID_SIZE])
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    struct error error = {0};
    int result = xml_parse(text, size, "guest.xml", &doc, &error);
    _cleanup_(cleanup_xml_string) char *inside = result < 0 ? NULL : xml_attribute(xmlDocGetRootElement(doc), "uuid");
    if (!inside || domain_parse_uuid(inside, uuid) < 0)
        strcpy(uuid, "00000000-0000-4000-8000-000000000001");
}

static void check_vf(const struct claim_vf *a, const struct claim_vf *b)
{
    need(pciaddr_equal(&a->address, &b->address) && a->number == b->number);
    need(strcmp(a->pool, b->pool) == 0 && strcmp(a->pf, b->pf) == 0);
    need(strcmp(a->mac, b->mac) == 0 && strcmp(a->reason, b->reason) == 0);
    need(a->by_address == b->by_address && a->given == b->given && a->reset == b->reset);
    need(a->late == b->late && a->whole == b->whole);
    need(settings_equal(&a->wanted, &b->wanted) && settings_equal(&a->original, &b->original));
    need(!a->stuck == !b->stuck && (!a->stuck || strcmp(a->stuck, b->stuck) == 0));
}

static void check_again(const struct claim *claim)
{
    _cleanup_(cleanup_claim) struct claim *again = NULL;
    _cleanup_(cleanup_free) char *text = NULL;
    struct error error = {0};
    size_t length = 0;
    need(claim_format(claim, &text, &length, &error) == 0);
    need(claim_parse(text, length, claim->uuid, "guest.xml", &again, &error) == 0);
    need(strcmp(again->name, claim->name) == 0 && strcmp(again->since, claim->since) == 0);
    need(again->state == claim->state && again->clock == claim->clock && again->offered == claim->offered);
    need(again->vf_count == claim->vf_count);
    for (size_t i = 0; i < claim->vf_count; i++)
        check_vf(&claim->vfs[i], &again->vfs[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_free) char *text = fuzz_text(data, size);
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    struct error error = {0};
    char uuid[UUID_SIZE];
    find_uuid(text, size, uuid);
    int result = claim_parse(text, size, uuid, "guest.xml", &claim, &error);
    if (result == 0)
        check_again(claim);
    fuzz_check(result, &error);
    return 0;
}
