/* A folder that cannot hold every name, as encfs and eCryptfs cannot: preloaded into a daemon.
 *
 * Below $NARROW_FOLDER a visible name of more than $NARROW_NAMES bytes is refused with $NARROW_ERROR (an error number),
 * wherever a file or folder would be made or looked for.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int refused(int at, const char *name) {
    const char *root = getenv("NARROW_FOLDER");
    char link[40], folder[4096];
    if (!root || !name || name[0] == '/' || name[0] == '.' || at < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    ssize_t length = readlink(link, folder, sizeof folder - 1);
    if (length < 0) return 0;
    folder[length] = 0;
    if (strncmp(folder, root, strlen(root)) || strlen(name) <= (size_t)atoi(getenv("NARROW_NAMES"))) return 0;
    return errno = atoi(getenv("NARROW_ERROR")), 1;
}

#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        va_list list; va_start(list, flags); int mode = va_arg(list, int); va_end(list); \
        return refused(at, path) ? -1 : REAL(name)(at, path, flags, mode); }
OPENAT(openat)
OPENAT(openat64)

int mkdirat(int at, const char *path, mode_t mode) { return refused(at, path) ? -1 : REAL(mkdirat)(at, path, mode); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
    return refused(a, from) || refused(b, to) ? -1 : REAL(linkat)(a, from, b, to, flags);
}
int renameat(int a, const char *from, int b, const char *to) {
    return refused(a, from) || refused(b, to) ? -1 : REAL(renameat)(a, from, b, to);
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return refused(a, from) || refused(b, to) ? -1 : REAL(renameat2)(a, from, b, to, flags);
}
