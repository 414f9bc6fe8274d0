/*
 * Boot and halt. The driver and its INF are found from where this program lies, so that it does not
 * matter from which directory it is called.
 */
#include "tools/nthost/machine.h"

#include "install.h"
#include "tools/nthost/address.h"
#include "tools/nthost/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVICES       "HKLM\\SYSTEM\\CurrentControlSet\\Services"
#define INF_IN_PROJECT "src/driver/05-install/vmini.inf"

static bool booted;

/** The directory of this program. */
static bool own_directory(char *buffer, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", buffer, size - 1);

    if (length <= 0) {
        return tool_fail("name the files with --driver and --inf",
                         "cannot tell where nthost lies: %s", strerror(errno));
    }
    buffer[length] = '\0';
    *strrchr(buffer, '/') = '\0';
    return true;
}

static bool is_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/** A path made of two; false when it does not fit. */
static bool join(char *out, size_t size, const char *directory, const char *name)
{
    int length = snprintf(out, size, "%s/%s", directory, name);

    return length > 0 && (size_t)length < size;
}

/** Goes up from a file or directory until the project's INF is below it. */
static bool find_inf(const char *from, char *out, size_t size)
{
    char directory[PATH_MAX];
    char *slash;

    snprintf(directory, sizeof(directory), "%s", from);
    do {
        if (join(out, size, directory, INF_IN_PROJECT) && is_file(out)) {
            return true;
        }
        slash = strrchr(directory, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    } while (slash != NULL);
    return false;
}

/** A file that the user named: it must be there. The loader wants a path with a directory in it. */
static bool take(const char *path, const char *what, const char *remedy, char *out)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        return tool_fail(remedy, "%s %s: %s", what, path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return tool_fail(remedy, "%s %s is no regular file", what, path);
    }
    if (access(path, R_OK) != 0) {
        return tool_fail("give yourself the right to read it", "%s %s: %s", what, path,
                         strerror(errno));
    }
    return realpath(path, out) != NULL ||
           tool_fail(remedy, "%s %s: %s", what, path, strerror(errno));
}

bool machine_find(const struct machine_options *options, struct machine_files *files)
{
    char directory[PATH_MAX], beside[PATH_MAX];
    const char *driver = options->driver;

    if (!own_directory(directory, sizeof(directory))) {
        return false;
    }
    if (driver == NULL && options->inf != NULL &&
        host_package_file(options->inf, beside, sizeof(beside))) {
        driver = beside;
    } else if (driver == NULL) {
        if (!join(beside, sizeof(beside), directory, "vmini.so")) {
            return tool_fail("name it with --driver FILE", "the path of nthost is too long");
        }
        driver = beside;
    }
    if (!take(driver, "driver", "build it with `make build`, or name another with --driver FILE",
              files->driver)) {
        return false;
    }
    if (options->inf != NULL) {
        return take(options->inf, "INF", "name the driver's INF with --inf FILE", files->inf);
    }
    /* A variant of the driver has an INF of its own, above it; other drivers get the project's. */
    return find_inf(files->driver, files->inf, sizeof(files->inf)) ||
           find_inf(directory, files->inf, sizeof(files->inf)) ||
           tool_fail("name it with --inf FILE", "no " INF_IN_PROJECT " above %s or %s",
                     files->driver, directory);
}

bool machine_beside(const char *name, char *out, size_t size)
{
    char directory[PATH_MAX];

    return own_directory(directory, sizeof(directory)) &&
           (join(out, size, directory, name) ||
            tool_fail("name the file with its path", "the path of nthost is too long"));
}

/* --- parameters of the service --- */

#define PARAMETER_NAME 64

/** Takes NAME=VALUE apart. */
static bool split_parameter(const char *text, char *name, uint32_t *value)
{
    const char *equals = strchr(text, '=');
    uint64_t number;

    if (equals == NULL || equals == text || equals - text >= PARAMETER_NAME) {
        return tool_misuse("for example --set NumberOfBuses=8; the INF lists the names",
                           "--set %s is no NAME=VALUE", text);
    }
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    if (!number_parse(equals + 1, name, UINT32_MAX, &number)) {
        return false;
    }
    *value = (uint32_t)number;
    return true;
}

bool machine_add_parameter(struct machine_options *options, const char *text)
{
    char name[PARAMETER_NAME];
    uint32_t value;

    if (options->parameter_count == MACHINE_PARAMETERS) {
        return tool_misuse("change the INF instead, and name it with --inf",
                           "more than %d times --set", MACHINE_PARAMETERS);
    }
    options->parameters[options->parameter_count++] = text;
    return split_parameter(text, name, &value);
}

/** The service's numbers are those that its INF has written. A name that is not among them would be
 * a value that nobody reads. */
static bool is_parameter(const char *name)
{
    char key[160], known[900] = "";
    struct host_registry_item *items;
    bool found = false;
    size_t count;

    snprintf(key, sizeof(key), SERVICES "\\%s\\Parameters", host_service());
    items = host_registry_read(key, &count);
    for (size_t i = 0; i < count && !found; i++) {
        if (!items[i].is_key && items[i].type == HOST_REG_DWORD) {
            found = strcasecmp(items[i].name, name) == 0;
            snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
                     known[0] == '\0' ? "" : ", ", items[i].name);
        }
    }
    host_registry_free(items, count);
    return found ||
           tool_misuse(known[0] != '\0' ? known : "AddReg in the INF has to write it first",
                       "--set %s: service \"%s\" has no such number in its Parameters%s", name,
                       host_service(), known[0] != '\0' ? "; take one that is there" : "");
}

/** Writes one NAME=VALUE below the service's Parameters key. */
static bool set_parameter(const char *text)
{
    char name[PARAMETER_NAME];
    uint32_t value;

    return split_parameter(text, name, &value) && is_parameter(name) &&
           (host_set_parameter(host_service(), name, value) ||
            tool_fail("look at the key with `reg query`", "the registry does not take %s", text));
}

/* --- boot and halt --- */

/** The registry has an installed driver already. */
static bool reuse(const struct machine_options *options)
{
    struct host_error error;
    char driver[PATH_MAX];

    if (options->inf != NULL) {
        return tool_fail("leave --inf out, or take it away first: nthost remove --service",
                         "service \"%s\" is installed already in %s", host_service(),
                         options->host.registry_file);
    }
    return options->driver == NULL ||
           (take(options->driver, "driver", "name the driver's image with --driver FILE", driver) &&
            (host_set_image(driver, &error) || tool_fail_host(&error)));
}

static bool install(const struct machine_options *options, struct machine_files *files)
{
    struct host_error error;

    if (files->driver[0] == '\0' && !machine_find(options, files)) {
        return false;
    }
    return host_install(files->inf, NULL, files->driver, &error) || tool_fail_host(&error);
}

bool machine_install(const struct machine_options *options, struct machine_files *files)
{
    struct host_error error;
    bool ok = true;

    booted = host_boot(&options->host, &error);
    if (!booted) {
        return tool_fail_host(&error);
    }
    if (host_service() != NULL) {
        ok = reuse(options);
    } else if (!options->no_install) {
        ok = install(options, files);
    } else if (options->parameter_count != 0) {
        ok = tool_misuse("leave one of them out", "--set and --no-install do not go together");
    }
    host_set_user(options->user, options->unix_uid);
    for (unsigned i = 0; ok && i < options->parameter_count; i++) {
        ok = set_parameter(options->parameters[i]);
    }
    return ok;
}

bool machine_up(const struct machine_options *options, struct machine_files *files)
{
    struct host_error error;

    if (!machine_install(options, files)) {
        return false;
    }
    return host_start(&error) || tool_fail_host(&error);
}

bool machine_down(void)
{
    unsigned leaks = booted ? host_halt(stderr) : 0;

    return leaks == 0 ||
           tool_fail("`census` before the end shows it growing; `trace` shows who made it",
                     "%u kind(s) of thing were left behind", leaks);
}
