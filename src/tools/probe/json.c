/*
 * Findings as JSON: {"checks": N, "findings": [{"id", "fix", "device", "command", "clause",
 * "expected", "got"}]}.
 */
#include "tools/probe/report.h"

#include <cjson/cJSON.h>

static bool add_finding(cJSON *findings, const struct report *report, const struct result *result)
{
    const struct check *check = result->check;
    cJSON *item = cJSON_CreateObject();
    char device[64];

    return item != NULL && cJSON_AddItemToArray(findings, item) &&
           cJSON_AddStringToObject(item, "id", check->id) != NULL &&
           cJSON_AddNumberToObject(item, "fix", check->fix) != NULL &&
           cJSON_AddStringToObject(item, "device",
                                   device_text(check, report->options, device, sizeof(device))) !=
               NULL &&
           cJSON_AddStringToObject(item, "command", check->command) != NULL &&
           cJSON_AddStringToObject(item, "clause", check->clause) != NULL &&
           cJSON_AddStringToObject(item, "expected", result->verdict.expected) != NULL &&
           cJSON_AddStringToObject(item, "got", result->verdict.got) != NULL;
}

bool report_json(FILE *out, const struct report *report)
{
    const struct column *column = &report->columns[0];
    cJSON *root = cJSON_CreateObject(), *findings;
    char *text = NULL;
    bool good = root != NULL && cJSON_AddNumberToObject(root, "checks", column->count) != NULL &&
                (findings = cJSON_AddArrayToObject(root, "findings")) != NULL;

    for (unsigned i = 0; good && i < column->count; i++) {
        if (column->results[i].verdict.failed) {
            good = add_finding(findings, report, &column->results[i]);
        }
    }
    text = good ? cJSON_Print(root) : NULL;
    if (text != NULL) {
        fprintf(out, "%s\n", text);
    }
    cJSON_free(text);
    cJSON_Delete(root);
    return text != NULL;
}
