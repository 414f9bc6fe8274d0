/*
 * The registry in a text file: one line for a key, one for each of its values, names and strings
 * readable. Read at boot, written at halt: to a new file that then takes the old one's place, so
 * that a crash leaves the old or the new one. Meanwhile the file is locked: two machines that ran
 * from it at a time would forget what the other has installed.
 *
 *     vmini registry 1
 *     [\Registry\Machine\SYSTEM\CurrentControlSet\Services\vmini]
 *     Start=4:03000000
 *     ImagePath=1:"vmini.sys"
 *
 * In names and strings a byte below 0x20 and each of % " = [ ] is written %XX. A string is written
 * as one only when it is well-formed UTF-16 with its NUL; everything else is hexadecimal.
 */
#define _GNU_SOURCE
#include "nt/registry.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define REGFILE_HEADER "vmini registry 1"

/* --- writing --- */

static void write_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || strchr("%\"=[]", byte) != NULL) {
            fprintf(out, "%%%02X", byte);
        } else {
            fputc(byte, out);
        }
    }
}

/** The value as UTF-8 when it is a proper string, else NULL. */
static char *value_as_text(const struct reg_value *value)
{
    const WCHAR *text = value->data;
    size_t chars = value->length / sizeof(WCHAR);

    if ((value->type != REG_SZ && value->type != REG_EXPAND_SZ) ||
        value->length % sizeof(WCHAR) != 0 || chars == 0 || text[chars - 1] != 0) {
        return NULL;
    }
    return nt_utf8(text, chars - 1); /* NULL also for a NUL inside. */
}

static void write_value(FILE *out, const struct reg_value *value)
{
    char *name = nt_utf8(value->name.text, value->name.chars);
    char *text = value_as_text(value);

    if (name != NULL) {
        write_escaped(out, name);
        fprintf(out, "=%u:", value->type);
        if (text != NULL) {
            fputc('"', out);
            write_escaped(out, text);
            fputc('"', out);
        }
        for (ULONG i = 0; text == NULL && i < value->length; i++) {
            fprintf(out, "%02x", ((const unsigned char *)value->data)[i]);
        }
        fputc('\n', out);
    }
    free(text);
    free(name);
}

static void write_key(FILE *out, const struct reg_key *key, const char *path)
{
    char *name = nt_utf8(key->name.text, key->name.chars);
    char *full = NULL;

    if (name != NULL && !key->is_volatile && asprintf(&full, "%s\\%s", path, name) >= 0) {
        fputc('[', out);
        write_escaped(out, full);
        fputs("]\n", out);
        for (const struct reg_value *value = key->values; value != NULL; value = value->next) {
            write_value(out, value);
        }
        for (const struct reg_key *child = key->children; child != NULL; child = child->next) {
            write_key(out, child, full);
        }
        free(full);
    }
    free(name);
}

static bool fail(struct host_error *error, const char *path, const char *what, const char *remedy)
{
    if (error != NULL) {
        snprintf(error->message, sizeof(error->message), "registry file %s: %s", path, what);
        snprintf(error->remedy, sizeof(error->remedy), "%s", remedy);
        error->status = STATUS_REGISTRY_CORRUPT;
    }
    return false;
}

/** Makes the rename itself durable. */
static void sync_directory(const char *path)
{
    char *copy = strdup(path);
    int fd = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

bool regfile_save(const char *path, struct host_error *error)
{
    char *temporary = NULL;
    FILE *out;
    bool written;

    if (asprintf(&temporary, "%s.new", path) < 0) {
        return fail(error, path, "no memory", "free some memory");
    }
    out = fopen(temporary, "we");
    written = out != NULL;
    if (written) {
        fprintf(out, "%s\n", REGFILE_HEADER);
        reg_lock();
        for (const struct reg_key *key = reg_root()->children; key != NULL; key = key->next) {
            write_key(out, key, "");
        }
        reg_unlock();
        written = fflush(out) == 0 && fsync(fileno(out)) == 0;
        written = fclose(out) == 0 && written;
    }
    if (!written || rename(temporary, path) != 0) {
        fail(error, path, strerror(errno), "name a file in a directory that can be written");
        unlink(temporary);
        free(temporary);
        return false;
    }
    sync_directory(path);
    free(temporary);
    return true;
}

/* --- the lock --- */

/** The file that was opened may have been replaced since: a lock on the old one is worth nothing. */
static bool still_there(int fd, const char *path)
{
    struct stat opened, named;

    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

int regfile_lock(const char *path, struct host_error *error)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);

        if (fd < 0) {
            fail(error, path, strerror(errno),
                 "name a file in a directory that can be written; it is made when it is not there");
            return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            fail(error, path, "another machine is running from it",
                 "end that one first, or name another file");
            close(fd);
            return -1;
        }
        if (still_there(fd, path)) {
            return fd;
        }
        close(fd);
    }
}

/* --- reading --- */

/** Undoes write_escaped in place. */
static bool unescape(char *text)
{
    char *out = text;

    for (; *text != '\0'; text++) {
        if (*text != '%') {
            *out++ = *text;
            continue;
        }
        if (!isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2])) {
            return false;
        }
        char hex[3] = {text[1], text[2], '\0'};
        *out++ = (char)strtoul(hex, NULL, 16);
        text += 2;
    }
    *out = '\0';
    return true;
}

static bool read_hex(const char *key, const char *name, ULONG type, const char *hex)
{
    size_t length = strlen(hex) / 2;
    unsigned char *data = malloc(length + 1);
    bool valid = data != NULL && strlen(hex) % 2 == 0;

    for (size_t i = 0; valid && i < length; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        valid = isxdigit((unsigned char)pair[0]) && isxdigit((unsigned char)pair[1]);
        data[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    valid = valid && nt_registry_set(key, name, type, data, (ULONG)length);
    free(data);
    return valid;
}

static bool read_text(const char *key, const char *name, ULONG type, char *text)
{
    size_t chars = 0, length = strlen(text);

    if (length < 2 || text[length - 1] != '"') {
        return false;
    }
    text[length - 1] = '\0';
    WCHAR *wide = unescape(text + 1) ? nt_utf16(text + 1, &chars) : NULL;
    bool done = wide != NULL &&
                nt_registry_set(key, name, type, wide, (ULONG)((chars + 1) * sizeof(WCHAR)));
    free(wide);
    return done;
}

/** One line after the header; `key` is the key that the values belong to. */
static bool read_line(char *line, char **key)
{
    size_t length = strlen(line);

    if (line[0] == '[') {
        if (length < 3 || line[length - 1] != ']') {
            return false;
        }
        line[length - 1] = '\0';
        free(*key);
        *key = strdup(line + 1);
        return *key != NULL && unescape(*key) && nt_registry_create_key(*key);
    }
    char *data = strchr(line, '=');
    if (data == NULL || *key == NULL) {
        return false;
    }
    *data++ = '\0';
    char *end;
    ULONG type = (ULONG)strtoul(data, &end, 10);
    if (end == data || *end != ':' || !unescape(line)) {
        return false;
    }
    return end[1] == '"' ? read_text(*key, line, type, end + 1)
                         : read_hex(*key, line, type, end + 1);
}

bool regfile_load(const char *path, struct host_error *error)
{
    FILE *in = fopen(path, "re");
    char *line = NULL, *key = NULL;
    char what[64];
    size_t size = 0;
    unsigned number = 0;
    bool good = true;
    ssize_t length;

    if (in == NULL) { /* The first run: nothing kept yet. */
        return errno == ENOENT ||
               fail(error, path, strerror(errno), "name a file that can be read");
    }
    while (good && (length = getline(&line, &size, in)) >= 0) {
        number++;
        if (length > 0 && line[length - 1] == '\n') {
            line[length - 1] = '\0';
        }
        good = number == 1 ? strcmp(line, REGFILE_HEADER) == 0
                           : line[0] == '\0' || read_line(line, &key);
    }
    good = good && ferror(in) == 0; /* An empty file: a first run that crashed. */
    free(key);
    free(line);
    fclose(in);
    if (!good) {
        snprintf(what, sizeof(what), "line %u is not what this program writes", number);
        reg_tree_clear();
        return fail(error, path, what, "remove the file, or name another one");
    }
    return true;
}
