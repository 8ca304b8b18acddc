/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "doctor-work.h"
#include "ledger.h"
#include "memory.h"
#include "policy.h"
#include "xml.h"

/* VFs that their PF has, and sysfs does not (echo 1 > remove): the kernel finds a VF again only as it makes it. */
static void check_present(const struct patient *patient, size_t pool, struct finding *finding)
{
    const struct vf_table *table = &patient->tables[pool];
    const struct vf *first = NULL;
    size_t gone = 0;
    for (size_t i = 0; i < table->vf_count; i++) {
        if (host_vf_present(&patient->host, &table->vfs[i].address))
            continue;
        first = first ? first : &table->vfs[i];
        gone++;
    }
    if (!first) {
        finding_add(finding, VERDICT_OK, NULL, "pool '%s' has %zu VF%s", table->pool->name, table->vf_count,
                    PLURAL(table->vf_count));
        return;
    }
    const char *pf = table->pfs[first->pf].name;
    _cleanup_(cleanup_free) char *remedy =
        memory_format("once no guest has a VF of PF %s: write 0, and then their number, to its sriov_numvfs", pf);
    finding_add(finding, VERDICT_WRONG, remedy,
                "sysfs does not have %zu of the %zu VF%s of pool '%s': VF %u of PF %s%s", gone, table->vf_count,
                PLURAL(table->vf_count), table->pool->name, first->number, pf, gone > 1 ? ", ..." : "");
}

static void check_pools(const struct patient *patient, struct finding *finding)
{
    if (patient->unread.code)
        finding_add(finding, VERDICT_WRONG, NULL, "%s", patient->unread.message);
    else if (patient->pools.count == 0)
        finding_add(finding, VERDICT_WRONG, "vfpool discover | vfpool define -", "there are no pools");
    for (size_t i = 0; i < patient->pools.count; i++) {
        const struct pool *pool = &patient->pools.pools[i];
        const struct vf_table *table = &patient->tables[i];
        if (pool->fault.code)
            finding_add(finding, VERDICT_WRONG, "mend the file: vfpool.xml(5)", "pool '%s' is out of service: %s",
                        pool->name, pool->fault.message);
        else if (table->missing)
            finding_add(
                finding, VERDICT_WRONG,
                "vfpool reconcile, where VFs are to be made; else correct the <pf> in the pool file, or put the "
                "card back",
                "pool '%s': %s", pool->name, table->missing);
        else
            check_present(patient, i, finding);
        /* Whatever else there is to say of it. */
        const char *mistaken = pool->fault.code ? NULL : policy_mistaken(xmlDocGetRootElement(pool->doc));
        if (mistaken)
            finding_add(finding, VERDICT_WARNING, "xmlns:vfpool='" VFPOOL_NAMESPACE "' in the pool file",
                        "pool '%s' does not follow what is in '%.64s', which is not vfpool's namespace", pool->name,
                        mistaken);
    }
}

/* In the order in which one would mend them. */
static const struct {
    const char *name;
    void (*check)(const struct patient *patient, struct finding *finding);
} checks[] = {
    {"iommu", check_host_iommu},
    {"vfio", check_host_vfio},
    {"pools", check_pools},
    {"cards", check_host_cards},
    {"boot", check_host_boot},
    {"daemon", check_libvirt_daemon},
    {"hooks", check_libvirt_hooks},
    {"calls", check_libvirt_calls},
    {"networks", check_libvirt_networks},
    {"ports", check_libvirt_ports},
    {"guests", check_libvirt_guests},
    {"owners", check_host_owners},
    {"confinement", check_host_confinement},
    {"claims", check_host_claims},
    {"mac-addresses", check_host_macs},
    {"network-managers", check_host_managers},
};

static const char *const verdicts[] = {[VERDICT_OK] = "ok", [VERDICT_WARNING] = "warning", [VERDICT_WRONG] = "wrong"};
static_assert(sizeof verdicts / sizeof *verdicts == VERDICTS, "each verdict has its word");

void finding_add(struct finding *finding, enum verdict verdict, const char *remedy, const char *format, ...)
{
    struct error line;
    char text[sizeof line.message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)error_set(&line, 1, "%s", text); /* one line, without control characters */
    finding->verdict = verdict > finding->verdict ? verdict : finding->verdict;
    if (verdict == VERDICT_OK) {
        char *before = finding->well;
        finding->well = before ? memory_format("%s; %s", before, line.message) : memory_copy(line.message);
        free(before);
        return;
    }
    finding->ills = memory_resize(finding->ills, finding->ill_count + 1, sizeof *finding->ills);
    finding->ills[finding->ill_count++] =
        (struct ill){verdict, memory_copy(line.message), remedy ? memory_copy(remedy) : NULL};
}

static void free_finding(struct finding *finding)
{
    for (size_t i = 0; i < finding->ill_count; i++) {
        free(finding->ills[i].text);
        free(finding->ills[i].remedy);
    }
    free(finding->ills);
    free(finding->well);
}

static void free_patient(struct patient *patient)
{
    vf_tables_free(patient->tables, patient->pools.count);
    pools_free(&patient->pools);
    error_free(&patient->unread);
    host_close(&patient->host);
}

static void add_check(xmlNodePtr parent, const char *name, enum verdict verdict, const char *text, const char *remedy)
{
    xmlNodePtr node = xml_add(parent, "check");
    xml_set(node, "name", name);
    xml_set(node, "verdict", verdicts[verdict]);
    xml_set(node, "finding", text);
    if (remedy)
        xml_set(node, "remedy", remedy);
}

/* What is well says nothing beside what is not. */
static void add_checks(xmlNodePtr parent, const char *name, const struct finding *finding)
{
    for (size_t i = 0; i < finding->ill_count; i++)
        add_check(parent, name, finding->ills[i].verdict, finding->ills[i].text, finding->ills[i].remedy);
    if (finding->well && finding->ill_count == 0)
        add_check(parent, name, VERDICT_OK, finding->well, NULL);
}

int doctor_examine(int root, xmlDocPtr *doc, int *worst, struct error *error)
{
    _cleanup_(free_patient) struct patient patient = {.root = root, .host.sys = -1};
    int result = host_open(root, &patient.host, error);
    if (result < 0)
        return result;
    if (pools_load(root, &patient.pools, &patient.unread) < 0)
        pools_free(&patient.pools);
    patient.tables = vf_tables_load(&patient.host, &patient.pools, ledger_has_pool);
    *doc = xml_new("doctor");
    *worst = VERDICT_OK;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        struct finding finding = {.verdict = VERDICT_OK};
        checks[i].check(&patient, &finding);
        add_checks(xmlDocGetRootElement(*doc), checks[i].name, &finding);
        *worst = (int)finding.verdict > *worst ? (int)finding.verdict : *worst;
        free_finding(&finding);
    }
    return 0;
}
