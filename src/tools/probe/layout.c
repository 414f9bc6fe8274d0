/*
 * Tables of field names, one for each kind of answer. What a table does not name is shown by its
 * offset alone.
 */
#include "tools/probe/layout.h"

#define END                                                                                        \
    {                                                                                              \
        0, 0, NULL                                                                                 \
    }

static const struct layout_field standard[] = {{0, 1, "peripheral qualifier, device type"},
                                               {1, 1, "RMB"},
                                               {2, 1, "version"},
                                               {3, 1, "NORMACA, HISUP, response data format"},
                                               {4, 1, "additional length"},
                                               {5, 3, "flags: SCCS, TPGS, PROTECT ... CMDQUE"},
                                               {8, 8, "T10 vendor identification"},
                                               {16, 16, "product identification"},
                                               {32, 4, "product revision level"},
                                               END};

static const struct layout_field vpd[] = {
    {0, 1, "peripheral qualifier, device type"}, {1, 1, "page code"}, {2, 2, "page length"}, END};
static const struct layout_field vpd_limits[] = {{0, 1, "peripheral qualifier, device type"},
                                                 {1, 1, "page code"},
                                                 {2, 2, "page length"},
                                                 {4, 1, "WSNZ"},
                                                 {5, 1, "maximum compare and write length"},
                                                 {6, 2, "optimal transfer length granularity"},
                                                 {8, 4, "maximum transfer length"},
                                                 {12, 4, "optimal transfer length"},
                                                 {16, 4, "maximum prefetch length"},
                                                 {20, 4, "maximum unmap LBA count"},
                                                 {24, 4, "maximum unmap block descriptor count"},
                                                 {28, 4, "optimal unmap granularity"},
                                                 {32, 4, "unmap granularity alignment"},
                                                 {36, 8, "maximum write same length"},
                                                 {44, 20, "reserved"},
                                                 END};
static const struct layout_field vpd_characteristics[] = {
    {0, 1, "peripheral qualifier, device type"},
    {1, 1, "page code"},
    {2, 2, "page length"},
    {4, 2, "medium rotation rate"},
    {6, 1, "product type"},
    {7, 1, "nominal form factor"},
    {8, 56, "reserved"},
    END};
static const struct layout_field vpd_provisioning[] = {{0, 1, "peripheral qualifier, device type"},
                                                       {1, 1, "page code"},
                                                       {2, 2, "page length"},
                                                       {4, 1, "threshold exponent"},
                                                       {5, 1, "LBPU, LBPWS, LBPWS10, LBPRZ"},
                                                       {6, 1, "provisioning type"},
                                                       {7, 1, "reserved"},
                                                       END};

static const struct layout_field mode6[] = {{0, 1, "mode data length"},
                                            {1, 1, "medium type"},
                                            {2, 1, "device-specific parameter: WP, DPOFUA"},
                                            {3, 1, "block descriptor length"},
                                            END};
static const struct layout_field mode10[] = {{0, 2, "mode data length"},
                                             {2, 1, "medium type"},
                                             {3, 1, "device-specific parameter: WP, DPOFUA"},
                                             {4, 1, "LONGLBA"},
                                             {5, 1, "reserved"},
                                             {6, 2, "block descriptor length"},
                                             END};
static const struct layout_field capacity10[] = {
    {0, 4, "last LBA"}, {4, 4, "block length in bytes"}, END};
static const struct layout_field capacity16[] = {{0, 8, "last LBA"},
                                                 {8, 4, "block length in bytes"},
                                                 {12, 1, "P_TYPE, PROT_EN"},
                                                 {13, 1, "P_I_EXPONENT, physical block exponent"},
                                                 {14, 2, "LBPME, LBPRZ, lowest aligned LBA"},
                                                 {16, 16, "reserved"},
                                                 END};
static const struct layout_field luns[] = {
    {0, 4, "LUN list length"}, {4, 4, "reserved"}, {8, 8, "first LUN"}, {16, 8, "second LUN"}, END};
static const struct layout_field toc[] = {
    {0, 2, "TOC data length"},  {2, 1, "first track or session"}, {3, 1, "last track or session"},
    {4, 8, "first descriptor"}, {12, 8, "second descriptor"},     END};
static const struct layout_field configuration[] = {{0, 4, "data length"},
                                                    {4, 2, "reserved"},
                                                    {6, 2, "current profile"},
                                                    {8, 2, "first feature code"},
                                                    {10, 1, "version, persistent, current"},
                                                    {11, 1, "additional length"},
                                                    END};
static const struct layout_field event[] = {{0, 2, "event descriptor length"},
                                            {2, 1, "NEA, notification class"},
                                            {3, 1, "supported event classes"},
                                            {4, 1, "event code"},
                                            {5, 1, "media present, tray open"},
                                            {6, 2, "start and end slot"},
                                            END};
static const struct layout_field disc[] = {{0, 2, "disc information length"},
                                           {2, 1, "erasable, state of last session, disc status"},
                                           {3, 1, "first track"},
                                           {4, 1, "sessions"},
                                           {5, 1, "first track in last session"},
                                           {6, 1, "last track in last session"},
                                           {7, 1, "DID_V, DBC_V, URU"},
                                           {8, 1, "disc type"},
                                           {9, 3, "sessions and tracks, high bytes"},
                                           {12, 4, "disc identification"},
                                           {16, 4, "last session lead-in"},
                                           {20, 4, "last possible lead-out"},
                                           END};
static const struct layout_field sense[] = {{0, 1, "VALID, response code"},
                                            {1, 1, "obsolete"},
                                            {2, 1, "filemark, EOM, ILI, sense key"},
                                            {3, 4, "INFORMATION"},
                                            {7, 1, "additional sense length"},
                                            {8, 4, "command-specific information"},
                                            {12, 1, "additional sense code (ASC)"},
                                            {13, 1, "additional sense code qualifier (ASCQ)"},
                                            {14, 1, "field replaceable unit code"},
                                            {15, 3, "sense key specific"},
                                            END};

static const struct layout_field *vpd_table(uint8_t page)
{
    switch (page) {
    case 0xB0:
        return vpd_limits;
    case 0xB1:
        return vpd_characteristics;
    case 0xB2:
        return vpd_provisioning;
    default:
        return vpd;
    }
}

static const struct layout_field *table_for(const struct answer *answer)
{
    static const struct {
        uint8_t opcode;
        const struct layout_field *table;
    } tables[] = {{0x03, sense},         {0x1A, mode6}, {0x25, capacity10}, {0x43, toc},
                  {0x46, configuration}, {0x4A, event}, {0x51, disc},       {0x5A, mode10},
                  {0x9E, capacity16},    {0xA0, luns}};

    if (answer->cdb[0] == 0x12) {
        return (answer->cdb[1] & 1) != 0 ? vpd_table(answer->cdb[2]) : standard;
    }
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (tables[i].opcode == answer->cdb[0]) {
            return tables[i].table;
        }
    }
    return NULL;
}

static bool find(const struct layout_field *table, uint32_t offset, struct layout_field *field)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (offset >= table->offset && offset < (uint32_t)table->offset + table->length) {
            *field = *table;
            return true;
        }
    }
    return false;
}

bool layout_data(const struct answer *answer, uint32_t offset, struct layout_field *field)
{
    return find(table_for(answer), offset, field);
}

bool layout_sense(uint32_t offset, struct layout_field *field)
{
    return find(sense, offset, field);
}
