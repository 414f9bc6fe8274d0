/*
 * The socket file: made with its permissions before anybody can connect, and only where there is
 * nothing that somebody needs.
 */
#include "tools/control/server_parts.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool fail(struct host_error *error, const char *path, const char *what, const char *remedy)
{
    snprintf(error->message, sizeof(error->message), "control socket %.150s: %.120s", path, what);
    snprintf(error->remedy, sizeof(error->remedy), "%s", remedy);
    error->status = 0;
    return false;
}

bool control_mode_parse(const char *text, unsigned *mode)
{
    char *end;
    unsigned long number = strtoul(text, &end, 8);

    *mode = (unsigned)number;
    return text[0] >= '0' && text[0] <= '7' && *end == '\0' && number != 0 && number <= 0777;
}

/** Takes away what a host has left that died; anything else stays. */
static bool make_room(const struct sockaddr_un *address, struct host_error *error)
{
    struct stat status;
    int fd, result;

    if (lstat(address->sun_path, &status) != 0) {
        return errno == ENOENT || fail(error, address->sun_path, strerror(errno), "check the path");
    }
    if (!S_ISSOCK(status.st_mode)) {
        return fail(error, address->sun_path, "there is another file of that name",
                    "name a path where there is nothing");
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    result = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)address, sizeof(*address));
    if (fd >= 0) {
        close(fd);
    }
    if (result == 0 || errno != ECONNREFUSED) {
        return fail(error, address->sun_path, "another host listens there",
                    "end that one, or name another path");
    }
    return unlink(address->sun_path) == 0 ||
           fail(error, address->sun_path, strerror(errno), "remove it");
}

/** The group that was named, by name or number. */
static bool find_group(const char *name, gid_t *gid)
{
    const struct group *entry = getgrnam(name);
    char *end;

    if (entry != NULL) {
        *gid = entry->gr_gid;
        return true;
    }
    errno = 0;
    *gid = (gid_t)strtoul(name, &end, 10);
    return name[0] >= '0' && name[0] <= '9' && *end == '\0' && errno == 0;
}

/** Permissions, while nobody can connect yet. */
static bool protect(const struct control_server_options *options, struct control_server *server,
                    struct host_error *error)
{
    unsigned mode = options->mode != 0 ? options->mode : 0600;
    gid_t group = getegid();
    struct stat status;

    if (options->group != NULL && !find_group(options->group, &group)) {
        return fail(error, options->path, "there is no such group as was named for it",
                    "name one of /etc/group, or a number");
    }
    if (chown(options->path, (uid_t)-1, group) != 0 || chmod(options->path, mode) != 0 ||
        stat(options->path, &status) != 0) {
        return fail(error, options->path, strerror(errno),
                    "name a group that you are a member of, or start as root");
    }
    server->device = status.st_dev;
    server->inode = status.st_ino;
    server->group = (mode & 0020) != 0 ? group : (gid_t)-1;
    return true;
}

int server_socket(const struct control_server_options *options, struct control_server *server,
                  struct host_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(options->path) >= sizeof(address.sun_path)) {
        fail(error, options->path, "the path is too long", "a socket's has at most 107 bytes");
        return -1;
    }
    strcpy(address.sun_path, options->path);
    strcpy(server->path, options->path);
    if (!make_room(&address, error)) {
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        fail(error, options->path, strerror(errno),
             "name a path in a directory that can be written");
    } else if (protect(options, server, error)) {
        return fd;
    } else {
        unlink(options->path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

void server_socket_remove(const struct control_server *server)
{
    struct stat status;

    if (lstat(server->path, &status) == 0 && status.st_dev == server->device &&
        status.st_ino == server->inode) {
        unlink(server->path);
    }
}

/** Is the peer in this group, by its own group or a supplementary one? */
static bool peer_in_group(int fd, const struct ucred *peer, gid_t group)
{
    gid_t groups[256];
    socklen_t length = sizeof(groups);

    if (peer->gid == group) {
        return true;
    }
#ifdef SO_PEERGROUPS
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) == 0) {
        for (size_t i = 0; i < length / sizeof(gid_t); i++) {
            if (groups[i] == group) {
                return true;
            }
        }
    }
#endif
    return false;
}

bool server_peer(const struct control_server *server, int fd, enum host_user *user, unsigned *uid)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        return false;
    }
    *uid = peer.uid;
    *user = peer.uid == 0 || peer.uid == geteuid() ||
                    (server->group != (gid_t)-1 && peer_in_group(fd, &peer, server->group))
                ? HOST_USER_ADMINISTRATOR
                : HOST_USER_STANDARD;
    return true;
}
