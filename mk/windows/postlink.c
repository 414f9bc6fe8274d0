/*
 * postlink FILE.sys: what the GNU linker cannot say about a driver image, written into the finished
 * file. Section INIT becomes discardable (Windows frees it once DriverEntry has returned), the
 * resources read-only, and the checksum, which Windows verifies before it loads a driver, is made
 * anew. Touches nothing else.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_HEADER  40
#define MEM_DISCARDABLE 0x02000000u
#define MEM_WRITE       0x80000000u
#define OPTIONAL_HEADER 24 /* From the signature "PE\0\0". */
#define CHECKSUM        (OPTIONAL_HEADER + 64)

static const char *path;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "postlink: %s: %s\n", path, what);
    exit(1);
}

static uint32_t get(const unsigned char *at, unsigned bytes)
{
    uint32_t value = 0;

    while (bytes-- > 0) {
        value = value << 8 | at[bytes];
    }
    return value;
}

static void put32(unsigned char *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (unsigned char)(value >> 8 * i);
    }
}

/** Where the signature is, with room behind it for the headers that are used here. */
static size_t find_signature(const unsigned char *data, size_t size)
{
    size_t at = size < 64 || memcmp(data, "MZ", 2) != 0 ? size : get(data + 60, 4);

    if (at > size || size - at < CHECKSUM + 4 || memcmp(data + at, "PE\0\0", 4) != 0) {
        fail("is not a Windows image");
    }
    return at;
}

static void set_section_flags(unsigned char *data, size_t size, size_t signature)
{
    unsigned count = get(data + signature + 6, 2);
    size_t at = signature + OPTIONAL_HEADER + get(data + signature + 20, 2);

    for (; count > 0; count--, at += SECTION_HEADER) {
        if (at > size || size - at < SECTION_HEADER) {
            fail("its section table is cut short");
        }
        if (memcmp(data + at, "INIT\0\0\0\0", 8) == 0) {
            put32(data + at + 36, get(data + at + 36, 4) | MEM_DISCARDABLE);
        } else if (memcmp(data + at, ".rsrc\0\0\0", 8) == 0) {
            put32(data + at + 36, get(data + at + 36, 4) & ~MEM_WRITE);
        }
    }
}

/** The sum that imagehlp's CheckSumMappedFile makes: 16-bit words, carries added back in, the field
 *  itself counted as 0; then the length of the file. */
static uint32_t checksum(const unsigned char *data, size_t size, size_t field)
{
    uint32_t sum = 0;

    for (size_t at = 0; at < size; at += 2) {
        if (at < field || at >= field + 4) {
            sum += get(data + at, size - at < 2 ? 1 : 2);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
    }
    return sum + (uint32_t)size;
}

static unsigned char *read_all(FILE *file, size_t *size)
{
    long length = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    unsigned char *data = length < 0 ? NULL : malloc((size_t)length + 1);

    rewind(file);
    if (data == NULL || fread(data, 1, (size_t)length, file) != (size_t)length) {
        fail("cannot be read");
    }
    *size = (size_t)length;
    return data;
}

int main(int argc, char **argv)
{
    unsigned char *data;
    size_t size, signature;
    FILE *file;

    if (argc != 2) {
        fprintf(stderr, "usage: postlink FILE.sys\n");
        return 2;
    }
    path = argv[1];
    file = fopen(path, "r+b");
    if (file == NULL) {
        fail(strerror(errno));
    }
    data = read_all(file, &size);
    signature = find_signature(data, size);
    set_section_flags(data, size, signature);
    put32(data + signature + CHECKSUM, checksum(data, size, signature + CHECKSUM));
    rewind(file);
    if (fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        fail("cannot be written");
    }
    free(data);
    return 0;
}
