/* What libSystem and libproc answer on a Mac, for the rehearsal on Linux: preloaded, so that ctypes.CDLL(None) finds it.
 *
 * Every call is noted in $FAKE_MAC/calls.log. Answers come from files of numbers in $FAKE_MAC (knobs). Values, sizes and
 * error numbers follow xnu's headers (sys/resource.h, mach/vm_statistics.h, sys/sysctl.h, sys/stdio.h) and copyfile.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define KERN_SUCCESS 0
#define KERN_INVALID_ARGUMENT 4
#define HOST_VM_INFO64 4
#define VM_WORDS 38
#define UF_IMMUTABLE 0x2
#define RENAME_EXCL 4
#define COPYFILE_ALL 0xf
#define MAC_AT_FDCWD (-2)

static void note(const char *what) {
    const char *folder = getenv("FAKE_MAC");
    char path[600];
    if (!folder) return;
    snprintf(path, sizeof path, "%s/calls.log", folder);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return;
    dprintf(file, "%s\n", what);
    close(file);
}

static int64_t knob(const char *name, int64_t otherwise) {
    const char *folder = getenv("FAKE_MAC");
    char path[600];
    long long value;
    if (!folder) return otherwise;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file) return otherwise;
    int found = fscanf(file, "%lld", &value);
    fclose(file);
    return found == 1 ? value : otherwise;
}

static int answer(void *buffer, size_t *length, const void *value, size_t size) {
    if (*length < size) return errno = ENOMEM, -1;
    memcpy(buffer, value, size);
    *length = size;
    return 0;
}

int sysctlbyname(const char *name, void *old, size_t *length, void *new, size_t new_length) {
    char line[200];
    (void)new, (void)new_length;
    snprintf(line, sizeof line, "sysctlbyname %s", name);
    note(line);
    if (!strcmp(name, "hw.memsize")) {
        uint64_t size = (uint64_t)knob(name, 8LL << 30);
        return answer(old, length, &size, sizeof size);
    }
    if (!strcmp(name, "vm.swapusage")) {
        struct { uint64_t total, available, used; uint32_t page; int encrypted; } swap = {2ull << 30, 1ull << 30, 1ull << 30, 16384, 1};
        return answer(old, length, &swap, sizeof swap);
    }
    if (!strcmp(name, "hw.model")) return answer(old, length, "Mac14,2", 8);
    if (!strcmp(name, "machdep.cpu.brand_string")) return answer(old, length, "Apple M2", 9);
    int32_t value;
    if (!strcmp(name, "kern.memorystatus_vm_pressure_level")) value = (int32_t)knob(name, 1);
    else if (!strcmp(name, "kern.memorystatus_level")) value = (int32_t)knob(name, 60);
    else if (!strcmp(name, "sysctl.proc_translated")) value = (int32_t)knob(name, 0);
    else return errno = ENOENT, -1;
    return value < 0 ? (errno = EPERM, -1) : answer(old, length, &value, sizeof value);
}

int proc_pid_rusage(int pid, int flavor, void *buffer) {
    uint64_t words[12] = {0}; /* the uuid is the first two */
    long long size, resident;
    char path[64];
    note("proc_pid_rusage");
    if (flavor != 0) return errno = EINVAL, -1;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *file = fopen(path, "re");
    if (!file) return errno = ESRCH, -1;
    int found = fscanf(file, "%lld %lld", &size, &resident);
    fclose(file);
    if (found != 2) return errno = ESRCH, -1;
    words[2 + 6] = words[2 + 7] = (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
    memcpy(buffer, words, sizeof words);
    return 0;
}

unsigned mach_host_self(void) { note("mach_host_self"); return 0x1203; }

int host_statistics64(unsigned host, int flavor, void *info, unsigned *count) {
    uint32_t words[VM_WORDS] = {0};
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    note("host_statistics64");
    if (flavor != HOST_VM_INFO64 || *count < VM_WORDS || host != 0x1203) return KERN_INVALID_ARGUMENT;
    words[0] = (uint32_t)(knob("free", 6LL << 30) / page);
    words[1] = (uint32_t)(knob("active", 2000LL << 20) / page);
    words[2] = (uint32_t)(knob("inactive", 1900LL << 20) / page);
    words[3] = (uint32_t)(knob("wired", 1500LL << 20) / page);
    words[22] = (uint32_t)(knob("purgeable", 50LL << 20) / page);
    words[32] = (uint32_t)(knob("compressor", 1800LL << 20) / page);
    words[34] = (uint32_t)(knob("external", 1000LL << 20) / page);
    memcpy(info, words, sizeof words);
    *count = VM_WORDS;
    return KERN_SUCCESS;
}

size_t malloc_zone_pressure_relief(void *zone, size_t goal) { note("malloc_zone_pressure_relief"); return (void)zone, (void)goal, 0; }

int setiopolicy_np(int type, int scope, int policy) {
    char line[80];
    snprintf(line, sizeof line, "setiopolicy_np %d %d %d", type, scope, policy);
    note(line);
    return type == 3 && scope == 0 && policy == 2 ? 0 : (errno = EINVAL, -1);
}

int sandbox_init(const char *profile, uint64_t flags, char **error) { /* <sandbox.h>; what is kept is the profile */
    char path[600];
    note("sandbox_init");
    if (flags || knob("no-sandbox", 0)) return *error = strdup("not on this Mac"), -1;
    if (strncmp(profile, "(version 1)\n(deny default)\n", 27)) return *error = strdup("no version, or nothing denied"), -1;
    snprintf(path, sizeof path, "%s/sandbox.profile", getenv("FAKE_MAC") ? getenv("FAKE_MAC") : "/nonexistent");
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file >= 0) dprintf(file, "%s", profile), close(file);
    return 0;
}

void sandbox_free_error(char *error) { note("sandbox_free_error"); free(error); }

static int locked(const char *path) { /* chflags uchg: $FAKE_MAC/flags/INODE holds the flags */
    struct stat found;
    char name[80];
    if (lstat(path, &found)) return 0;
    snprintf(name, sizeof name, "flags/%llu", (unsigned long long)found.st_ino);
    return (knob(name, 0) & UF_IMMUTABLE) != 0;
}

static int across(const char *from, const char *to) { /* $FAKE_MAC_VOLUME is a folder that plays another disk */
    const char *volume = getenv("FAKE_MAC_VOLUME");
    size_t length = volume ? strlen(volume) : 0;
    return volume && !strncmp(from, volume, length) != !strncmp(to, volume, length);
}

static const char *whole(int folder, const char *name, char *room, size_t size) { /* the path of a name in a folder */
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = name[0] == '/' || folder == MAC_AT_FDCWD ? -1 : readlink(link, room, size / 2);
    if (length < 0) return name;
    snprintf(room + length, size - (size_t)length, "/%s", name);
    return room;
}

int renameatx_np(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char x[9000], y[9000];
    note("renameatx_np");
    from = whole(from_at, from, x, sizeof x), to = whole(to_at, to, y, sizeof y);
    if (flags != RENAME_EXCL) return errno = EINVAL, -1;
    if (locked(from)) return errno = EPERM, -1;
    if (across(from, to)) return errno = EXDEV, -1;
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int fcopyfile(int in, int out, void *state, unsigned flags) {
    char block[65536], line[80];
    ssize_t size;
    struct stat found;
    (void)state;
    snprintf(line, sizeof line, "fcopyfile 0x%x", flags);
    note(line);
    if ((flags & COPYFILE_ALL) != COPYFILE_ALL) return errno = EINVAL, -1;
    if (knob("no-metadata", 0)) return errno = EOPNOTSUPP, -1;
    while ((size = read(in, block, sizeof block)) > 0)
        if (write(out, block, (size_t)size) != size) return -1;
    if (size || fstat(in, &found)) return -1;
    struct timespec times[2] = {found.st_atim, found.st_mtim};
    return fchmod(out, found.st_mode & 07777) || futimens(out, times) ? -1 : 0;
}

int getpeereid(int end, uid_t *user, gid_t *group) {
    struct ucred found;
    socklen_t size = sizeof found;
    note("getpeereid");
    if (getsockopt(end, SOL_SOCKET, SO_PEERCRED, &found, &size)) return -1;
    *user = found.uid, *group = found.gid;
    return 0;
}
