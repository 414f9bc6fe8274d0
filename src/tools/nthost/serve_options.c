/*
 * getopt_long in the order of the arguments: --thin, --removable and --read-only hold for the images
 * that follow them.
 */
#include "tools/nthost/serve_options.h"

#include "tools/nthost/address.h"
#include "tools/nthost/control.h"
#include "tools/nthost/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADVICE "see nthost help serve"

enum option_code {
    OPT_IMAGE = 1, /* An argument that is no option. */
    OPT_DRIVER = 256,
    OPT_INF,
    OPT_SET,
    OPT_CDROM,
    OPT_READ_ONLY,
    OPT_REMOVABLE,
    OPT_THIN,
    OPT_PORT,
    OPT_LISTEN,
    OPT_CHAP,
    OPT_CONTROL,
    OPT_CONTROL_MODE,
    OPT_CONTROL_GROUP,
    OPT_LEGACY,
    OPT_VERIFIER,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"driver", required_argument, NULL, OPT_DRIVER},
    {"inf", required_argument, NULL, OPT_INF},
    {"set", required_argument, NULL, OPT_SET},
    {"cdrom", required_argument, NULL, OPT_CDROM},
    {"read-only", no_argument, NULL, OPT_READ_ONLY},
    {"removable", no_argument, NULL, OPT_REMOVABLE},
    {"thin", no_argument, NULL, OPT_THIN},
    {"port", required_argument, NULL, OPT_PORT},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"chap", required_argument, NULL, OPT_CHAP},
    {"control", required_argument, NULL, OPT_CONTROL},
    {"control-mode", required_argument, NULL, OPT_CONTROL_MODE},
    {"control-group", required_argument, NULL, OPT_CONTROL_GROUP},
    {"legacy-srbs", no_argument, NULL, OPT_LEGACY},
    {"verifier", no_argument, NULL, OPT_VERIFIER},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static bool add_image(struct serve_options *options, const char *path, uint32_t flags)
{
    if (options->image_count == SERVE_IMAGES) {
        return tool_fail("serve the others by a second nthost, on another --port",
                         "more than %d images", SERVE_IMAGES);
    }
    options->images[options->image_count++] = (struct serve_image){path, flags};
    return true;
}

/** Reads the secret: the file's first line. */
static bool read_secret(const char *path, struct chap_account *account)
{
    uint8_t bytes[CHAP_SECRET_MAXIMUM + 2];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    ssize_t length = -1;
    const uint8_t *end;

    if (fd < 0 || fstat(fd, &status) != 0) {
        return tool_fail("name a file that holds the secret in its first line", "secret %s: %s",
                         path, strerror(errno));
    }
    if (S_ISREG(status.st_mode)) {
        length = read(fd, bytes, sizeof(bytes));
    }
    close(fd);
    if (length < 0) {
        return tool_fail("name a file that holds the secret in its first line",
                         "secret %s is no regular file, or cannot be read", path);
    }
    if ((status.st_mode & 077) != 0) {
        return tool_fail("chmod 600 it", "secret %s: others may read it", path);
    }
    end = memchr(bytes, '\n', (size_t)length);
    account->secret_length = end != NULL ? (size_t)(end - bytes) : (size_t)length;
    if (account->secret_length < CHAP_SECRET_LEAST ||
        account->secret_length > CHAP_SECRET_MAXIMUM) {
        return tool_fail("write a secret of 12 to 255 bytes into its first line",
                         "secret %s has %zu bytes", path, account->secret_length);
    }
    memcpy(account->secret, bytes, account->secret_length);
    return true;
}

/** --chap USER:FILE. */
static bool take_account(struct serve_options *options, const char *text)
{
    const char *colon = strchr(text, ':');

    if (colon == NULL || colon == text || colon[1] == '\0') {
        return tool_fail("for example --chap alice:/etc/vmini.secret", "--chap %s is no USER:FILE",
                         text);
    }
    if ((size_t)(colon - text) >= sizeof(options->account.user)) {
        return tool_fail("use a shorter name", "--chap: the user's name is too long");
    }
    memcpy(options->account.user, text, (size_t)(colon - text));
    options->server.account = &options->account;
    return read_secret(colon + 1, &options->account);
}

static bool take_port(struct serve_options *options, const char *text)
{
    uint64_t number;

    options->server.port = text;
    return number_parse(text, "port", 65535, &number) &&
           (text[0] != '0' || text[1] == '\0' ||
            tool_fail("write it in decimal digits", "--port %s is no port", text));
}

/** Options without a value. */
static void take_flag(int code, struct serve_options *options, uint32_t *flags)
{
    struct host_options *host = &options->machine.host;

    *flags |= (code == OPT_READ_ONLY ? VMINI_CONNECT_READ_ONLY : 0) |
              (code == OPT_REMOVABLE ? VMINI_CONNECT_REMOVABLE : 0) |
              (code == OPT_THIN ? VMINI_CONNECT_THIN : 0);
    options->help |= code == OPT_HELP;
    host->verifier |= code == OPT_VERIFIER;
    host->srb_type = code == OPT_LEGACY ? HOST_SRB_LEGACY : host->srb_type;
}

/** One option, or an image. */
static bool take(int code, const char *value, struct serve_options *options, uint32_t *flags)
{
    switch (code) {
    case OPT_IMAGE:
        return add_image(options, value, *flags);
    case OPT_CDROM:
        return add_image(options, value, VMINI_CONNECT_CDROM);
    case OPT_DRIVER:
        options->machine.driver = value;
        return true;
    case OPT_INF:
        options->machine.inf = value;
        return true;
    case OPT_SET:
        return machine_add_parameter(&options->machine, value);
    case OPT_PORT:
        return take_port(options, value);
    case OPT_LISTEN:
        options->server.address = value;
        return true;
    case OPT_CHAP:
        return take_account(options, value);
    case OPT_CONTROL:
        options->control.path = value;
        return true;
    case OPT_CONTROL_MODE:
        return control_mode_parse(value, &options->control.mode) ||
               tool_fail("for example 0660", "--control-mode %s: no permissions in octal", value);
    case OPT_CONTROL_GROUP:
        options->control.group = value;
        return true;
    default:
        take_flag(code, options, flags);
        return true;
    }
}

bool serve_options_parse(int argc, char **argv, struct serve_options *options)
{
    uint32_t flags = 0;
    int code;

    memset(options, 0, sizeof(*options));
    options->machine.host.sched = (struct sched_options){.kind = SCHED_REAL};
    opterr = 0;
    while ((code = getopt_long(argc, argv, "-:", long_options, NULL)) != -1) {
        if (code == ':') {
            return tool_fail(ADVICE, "option %s wants a value", argv[optind - 1]);
        }
        if (code == '?') {
            return tool_fail(ADVICE, "unknown or ambiguous option %s", argv[optind - 1]);
        }
        if (!take(code, optarg, options, &flags)) {
            return false;
        }
    }
    for (; optind < argc; optind++) { /* Behind "--". */
        if (!add_image(options, argv[optind], flags)) {
            return false;
        }
    }
    return options->help || options->image_count != 0 || options->control.path != NULL ||
           tool_fail("name a disk image, a CD-ROM image with --cdrom, or a --control socket",
                     "nothing to serve");
}
