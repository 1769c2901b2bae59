/* Logs what a process writes to files below $POWER_FOLDER, and when it syncs them, to $POWER_LOG.

   Each record: kind (1 byte), length of the name (2), name, offset (8), length of the data (4), data.
   Kinds: w write, s sync of one file, t truncation to the offset, r rename from the name to the data,
   u unlink. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int log_file = -1;

static int name_of(int fd, char *name) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, name, 4095);
    if (size < 0) return 0;
    name[size] = 0;
    const char *folder = getenv("POWER_FOLDER");
    return folder && !strncmp(name, folder, strlen(folder));
}

static void record(char kind, const char *name, int64_t offset, const void *data, uint32_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (log_file < 0) log_file = open(getenv("POWER_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0666);
    uint16_t length = strlen(name);
    size_t total = 1 + 2 + length + 8 + 4 + size;
    char *buffer = malloc(total), *at = buffer;
    *at++ = kind;
    memcpy(at, &length, 2), at += 2;
    memcpy(at, name, length), at += length;
    memcpy(at, &offset, 8), at += 8;
    memcpy(at, &size, 4), at += 4;
    memcpy(at, data, size);
    if (real(log_file, buffer, total) != (ssize_t)total) abort();
    free(buffer);
}

static void wrote(int fd, int64_t offset, const void *data, ssize_t size) {
    char name[4096];
    if (size <= 0 || !name_of(fd, name)) return;
    record('w', name, offset, data, size);
    if (fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC)) record('s', name, 0, "", 0);
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = dlsym(RTLD_NEXT, name);

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t)
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = real(fd, data, size);
    wrote(fd, offset, data, done);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)
    ssize_t done = real(fd, data, size, offset);
    wrote(fd, offset, data, done);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    return pwrite64(fd, data, size, offset);
}

static void wrote_parts(int fd, const struct iovec *parts, int count, int64_t offset, ssize_t done) {
    for (int i = 0; i < count && done > 0; i++) {
        ssize_t size = (ssize_t)parts[i].iov_len < done ? (ssize_t)parts[i].iov_len : done;
        wrote(fd, offset, parts[i].iov_base, size);
        offset += size;
        done -= size;
    }
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off64_t)
    ssize_t done = real(fd, parts, count, offset);
    wrote_parts(fd, parts, count, offset, done);
    return done;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    return pwritev64(fd, parts, count, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int)
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = real(fd, parts, count);
    wrote_parts(fd, parts, count, offset, done);
    return done;
}

static int synced(int fd, int result) {
    char name[4096];
    if (!result && name_of(fd, name)) record('s', name, 0, "", 0);
    return result;
}

int fsync(int fd) {
    REAL(int, "fsync", int)
    return synced(fd, real(fd));
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int)
    return synced(fd, real(fd));
}

int ftruncate64(int fd, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t)
    int result = real(fd, size);
    char name[4096];
    if (!result && name_of(fd, name)) record('t', name, size, "", 0);
    return result;
}

int ftruncate(int fd, off_t size) {
    return ftruncate64(fd, size);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *)
    int result = real(from, to);
    if (!result) record('r', from, 0, to, strlen(to));
    return result;
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *)
    int result = real(path);
    if (!result) record('u', path, 0, "", 0);
    return result;
}
