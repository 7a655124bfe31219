/* A disk that minds no case, as default APFS: below $FAKE_MAC_CASELESS a name that is not there is looked for in any case.
 * Letters of ASCII only. Preloaded into the processes of one test.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST 4096
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int match(char *folder, const char *part, size_t length) { /* appends the disk's own spelling of one part */
    DIR *listing = REAL(opendir)(*folder ? folder : "/");
    struct dirent *entry;
    const char *found = NULL;
    while (listing && !found && (entry = readdir(listing)))
        if (strlen(entry->d_name) == length && !strncasecmp(entry->d_name, part, length)) found = entry->d_name;
    size_t end = strlen(folder);
    snprintf(folder + end, LONGEST - end, "/%.*s", (int)length, found ? found : part);
    if (listing) closedir(listing);
    return found != NULL;
}

static const char *on_disk(const char *path, char *buffer) {
    const char *root = getenv("FAKE_MAC_CASELESS");
    if (!root || !path || strncasecmp(path, root, strlen(root)) || !REAL(faccessat)(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW))
        return path;
    int before = errno;
    snprintf(buffer, LONGEST, "%s", root);
    for (const char *part = path + strlen(root); *part;) {
        part += strspn(part, "/");
        size_t length = strcspn(part, "/");
        if (length) match(buffer, part, length);
        part += length;
    }
    errno = before;
    return buffer;
}

#define ONE(type, name, rest_types, rest) \
    type name(const char *path rest_types) { char b[LONGEST]; return REAL(name)(on_disk(path, b) rest); }
#define COMMA ,
#define AT(type, name, rest_types, rest) \
    type name(int at, const char *path rest_types) { char b[LONGEST]; return REAL(name)(at, on_disk(path, b) rest); }
#define TWO(name) \
    int name(const char *a, const char *b) { char x[LONGEST], y[LONGEST]; return REAL(name)(on_disk(a, x), on_disk(b, y)); }
#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list list; va_start(list, flags); int mode = va_arg(list, int); va_end(list); \
        char b[LONGEST]; return REAL(name)(on_disk(path, b), flags, mode); }
#define OPENAT(name) \
    int name(int at, const char *path, int flags, ...) { \
        va_list list; va_start(list, flags); int mode = va_arg(list, int); va_end(list); \
        char b[LONGEST]; return REAL(name)(at, on_disk(path, b), flags, mode); }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
ONE(int, stat, COMMA struct stat *s, COMMA s)
ONE(int, stat64, COMMA struct stat64 *s, COMMA s)
ONE(int, lstat, COMMA struct stat *s, COMMA s)
ONE(int, lstat64, COMMA struct stat64 *s, COMMA s)
AT(int, fstatat, COMMA struct stat *s COMMA int f, COMMA s COMMA f)
AT(int, fstatat64, COMMA struct stat64 *s COMMA int f, COMMA s COMMA f)
ONE(int, access, COMMA int mode, COMMA mode)
AT(int, faccessat, COMMA int mode COMMA int flags, COMMA mode COMMA flags)
ONE(int, mkdir, COMMA mode_t mode, COMMA mode)
ONE(int, rmdir, , )
ONE(int, unlink, , )
ONE(int, chmod, COMMA mode_t mode, COMMA mode)
ONE(DIR *, opendir, , )
ONE(ssize_t, readlink, COMMA char *to COMMA size_t size, COMMA to COMMA size)
TWO(rename)
TWO(link)

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char x[LONGEST], y[LONGEST];
    return REAL(renameat2)(from_at, on_disk(from, x), to_at, on_disk(to, y), flags);
}
