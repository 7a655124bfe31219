/* What libSystem and libproc answer on a Mac, for the rehearsal on Linux: preloaded, so that ctypes.CDLL(None) finds it.
 *
 * Every call is noted in $FAKE_MAC/calls.log. Answers come from files of numbers in $FAKE_MAC (knobs). Values, sizes and
 * error numbers follow xnu's headers (sys/resource.h, mach/vm_statistics.h, sys/sysctl.h, sys/stdio.h) and copyfile.h.
 */
#define _GNU_SOURCE
#include <dirent.h>
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

/* sys/proc_info.h: struct proc_fdinfo, and struct vnode_fdinfo, which begins with struct proc_fileinfo. */
struct open_file { int32_t number; uint32_t kind; };
struct about_file {
    uint32_t flags, status; int64_t offset; int32_t type; uint32_t guard;
    uint32_t device; uint16_t mode, links; uint64_t inode; uint32_t owner, group; int64_t times[8], size, blocks;
    int32_t block_size; uint32_t file_flags, generation, raw_device; int64_t spare[2];
    int32_t vnode_type, pad, volume[2];
};
_Static_assert(sizeof(struct about_file) == 176, "the size of struct vnode_fdinfo");

static int descriptors(int pid, struct open_file *found, int most) { /* kind 1 is a file */
    char folder[64], path[400];
    struct stat about;
    int count = 0;
    snprintf(folder, sizeof folder, "/proc/%d/fd", pid);
    DIR *listed = opendir(folder);
    if (!listed) return errno = EPERM, -1;
    for (struct dirent *entry; (entry = readdir(listed)) && count < most;) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        found[count].number = atoi(entry->d_name);
        found[count++].kind = !stat(path, &about) && S_ISREG(about.st_mode) ? 1 : 2; /* PROX_FDTYPE_VNODE, _SOCKET */
    }
    closedir(listed);
    return count;
}

int proc_listpidspath(uint32_t type, uint32_t info, const char *wanted, uint32_t flags, void *buffer, int size) {
    struct open_file open_files[1024];
    char path[80];
    struct stat sought, found;
    int count = 0, most = size / (int)sizeof(int);
    note("proc_listpidspath");
    if (type != 1 || info || flags != 2) return errno = EINVAL, -1; /* PROC_ALL_PIDS, _EXCLUDE_EVTONLY */
    if (stat(wanted, &sought)) return -1;
    DIR *listed = opendir("/proc");
    for (struct dirent *entry; listed && (entry = readdir(listed)) && count < most;) {
        int pid = atoi(entry->d_name), open_count = pid > 0 ? descriptors(pid, open_files, 1024) : 0;
        for (int number = 0; number < open_count; number++) {
            snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, open_files[number].number);
            if (stat(path, &found) || found.st_ino != sought.st_ino || found.st_dev != sought.st_dev) continue;
            ((int *)buffer)[count++] = pid;
            break;
        }
    }
    if (listed) closedir(listed);
    return count * (int)sizeof(int);
}

int proc_pidinfo(int pid, int flavor, uint64_t argument, void *buffer, int size) {
    note("proc_pidinfo");
    if (flavor != 1 || argument) return errno = EINVAL, 0; /* PROC_PIDLISTFDS */
    int count = descriptors(pid, buffer, size / (int)sizeof(struct open_file));
    return count < 0 ? 0 : count * (int)sizeof(struct open_file);
}

int proc_pidfdinfo(int pid, int number, int flavor, void *buffer, int size) {
    struct about_file *about = buffer;
    struct stat found;
    char path[80];
    unsigned flags = 0;
    note("proc_pidfdinfo");
    if (flavor != 1 || size != (int)sizeof *about) return errno = EINVAL, 0; /* PROC_PIDFDVNODEINFO */
    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, number);
    if (stat(path, &found)) return errno = EBADF, 0;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, number);
    FILE *told = fopen(path, "re");
    if (!told || fscanf(told, "pos: %*d flags: %o", &flags) != 1) flags = 0;
    if (told) fclose(told);
    memset(about, 0, sizeof *about);
    about->flags = (flags & O_ACCMODE) + 1; /* FREAD 1, FWRITE 2 */
    about->device = (uint32_t)found.st_dev, about->inode = found.st_ino, about->size = found.st_size;
    return size;
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
