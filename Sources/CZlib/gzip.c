#include "CZlib.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

enum { gzip_window_bits = 15 + 16, memory_level = 8 };

size_t bh_gzip_bound(size_t count) {
    // Stored blocks cost 5 octets per 16 KiB at worst, the wrapper 18; deflateBound needs a stream for the
    // same answer.
    return count + (count >> 12) + (count >> 14) + (count >> 25) + 64;
}

size_t bh_gzip_deflate(const uint8_t *in, size_t in_count, int level, uint8_t *out, size_t out_capacity) {
    if (in_count > UINT_MAX || out_capacity > UINT_MAX) return 0;
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (deflateInit2(&stream, level, Z_DEFLATED, gzip_window_bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    stream.next_in = (Bytef *)in;
    stream.avail_in = (uInt)in_count;
    stream.next_out = out;
    stream.avail_out = (uInt)out_capacity;
    int result = deflate(&stream, Z_FINISH);
    size_t written = out_capacity - stream.avail_out;
    deflateEnd(&stream);
    return result == Z_STREAM_END ? written : 0;
}

bh_inflate_result bh_gzip_inflate(const uint8_t *in, size_t in_count, uint8_t *out, size_t out_capacity,
                                  size_t *out_count) {
    *out_count = 0;
    if (in_count > UINT_MAX || out_capacity > UINT_MAX - 1) return bh_inflate_too_long;
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (inflateInit2(&stream, gzip_window_bits) != Z_OK) return bh_inflate_damaged;
    stream.next_in = (Bytef *)in;
    stream.avail_in = (uInt)in_count;
    stream.next_out = out;
    stream.avail_out = (uInt)out_capacity;
    int result = inflate(&stream, Z_FINISH);
    uint8_t excess;
    if (result == Z_BUF_ERROR && stream.avail_out == 0) {
        // The output may have ended exactly here; one octet more shows it.
        stream.next_out = &excess;
        stream.avail_out = 1;
        result = inflate(&stream, Z_FINISH);
        if (stream.avail_out == 0) {
            inflateEnd(&stream);
            return bh_inflate_too_long;
        }
        stream.avail_out = 0;
    }
    size_t written = out_capacity - stream.avail_out;
    size_t rest = stream.avail_in;
    inflateEnd(&stream);
    if (result == Z_STREAM_END) {
        *out_count = written;
        return rest == 0 ? bh_inflate_good : bh_inflate_trailing;
    }
    return result == Z_BUF_ERROR && rest == 0 ? bh_inflate_truncated : bh_inflate_damaged;
}
