/* Counts the syncs of a log's write-ahead log, for the test that shows that what is acknowledged is on disk.
 *
 * Preloaded before libc (LD_PRELOAD), it stands in for fsync and fdatasync, passes every call on, and counts
 * those that succeeded on a file named *.db-wal, in the eight bytes of the file that LIEM_SYNC_COUNT names.
 * Killing a process never tests this: the kernel keeps what was written. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic unsigned long long *count;

__attribute__((constructor)) static void open_count(void) {
    const char *path = getenv("LIEM_SYNC_COUNT");
    int fd = path ? open(path, O_RDWR) : -1;
    if (fd < 0) {
        return;
    }
    void *page = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) {
        count = page;
    }
    close(fd);
}

static int is_write_ahead_log(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    const char suffix[] = ".db-wal";
    const ssize_t suffix_length = sizeof suffix - 1;
    return length >= suffix_length && memcmp(path + length - suffix_length, suffix, suffix_length) == 0;
}

static int counted(int result, int fd) {
    if (result == 0 && count && is_write_ahead_log(fd)) {
        atomic_fetch_add(count, 1);
    }
    return result;
}

int fsync(int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return counted(real(fd), fd);
}

int fdatasync(int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return counted(real(fd), fd);
}
