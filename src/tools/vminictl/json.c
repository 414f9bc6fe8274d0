/*
 * JSON by printf: the shapes are fixed, only strings need care.
 */
#include "tools/vminictl/json.h"

#include "tools/control/explain.h"
#include "tools/control/text.h"

#include <inttypes.h>
#include <stdio.h>

/** A string with its quotes. \param text UTF-8. */
static void put_string(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\') {
            printf("\\%c", byte);
        } else if (byte < 0x20 || byte == 0x7F) {
            printf("\\u%04x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}

static void put_address(VMINI_ADDRESS address)
{
    if (address.Path == 0xFF) {
        printf("\"address\":null"); /* It never had one. */
        return;
    }
    printf("\"address\":{\"path\":%u,\"target\":%u,\"lun\":%u}", address.Path, address.Target,
           address.Lun);
}

static void put_path(const WCHAR *path)
{
    char text[CONTROL_PATH_BYTES];

    printf(",\"image\":");
    put_string(control_path_text(path, text, sizeof(text)));
}

static void put_blocks(uint32_t size, uint64_t count)
{
    printf(",\"blockSize\":%u,\"blockCount\":%" PRIu64, (unsigned)size, count);
}

static const char *truth(uint32_t flags, uint32_t flag)
{
    return (flags & flag) != 0 ? "true" : "false";
}

static void put_image(const VMINI_ACTIVE_ENTRY *entry)
{
    putchar('{');
    put_address(entry->Address);
    put_path(entry->PathName);
    printf(",\"state\":\"%s\"", control_state_name(entry->State));
    put_blocks(entry->BlockSize, entry->BlockCount);
    printf(",\"cdrom\":%s,\"readOnly\":%s,\"removable\":%s,\"thin\":%s}",
           truth(entry->Flags, VMINI_CONNECT_CDROM), truth(entry->Flags, VMINI_CONNECT_READ_ONLY),
           truth(entry->Flags, VMINI_CONNECT_REMOVABLE), truth(entry->Flags, VMINI_CONNECT_THIN));
}

void json_connected(const VMINI_CONNECT_OUT *out)
{
    putchar('{');
    put_address(out->Address);
    put_blocks(out->BlockSize, out->BlockCount);
    puts("}");
}

void json_list(const VMINI_ACTIVE_LIST_OUT *list)
{
    putchar('[');
    for (ULONG i = 0; i < list->Returned; i++) {
        printf(i != 0 ? "," : "");
        put_image(&list->Entries[i]);
    }
    puts("]");
}

void json_ping(const VMINI_SCSIPORT_OUT *out)
{
    printf("{\"version\":%u,\"buses\":%u,\"targets\":%u,\"luns\":%u,\"connected\":%u}\n",
           (unsigned)out->Version, (unsigned)out->NumberOfBuses, (unsigned)out->MaximumTargets,
           (unsigned)out->MaximumLuns, (unsigned)out->ActiveDevices);
}

void json_event(const VMINI_EVENT *event)
{
    const char *name = nt_status_name(event->Status);

    printf("{\"sequence\":%" PRIu64 ",\"lost\":%u,\"kind\":\"%s\",", (uint64_t)event->Sequence,
           (unsigned)event->Lost, control_kind_name(event->Kind));
    put_address(event->Address);
    put_path(event->PathName);
    printf(",\"status\":%u,\"statusName\":", (unsigned)event->Status);
    if (name != NULL) {
        put_string(name);
    } else {
        printf("null");
    }
    puts("}");
}
