#include "internal.h"

#include <stdlib.h>
#include <string.h>

void bh_buffer_free(bh_buffer *buffer) {
    if (buffer->bytes) OPENSSL_clear_free(buffer->bytes, buffer->count);
    buffer->bytes = NULL;
    buffer->count = 0;
}

int bh_take_copy(const uint8_t *bytes, size_t count, bh_buffer *buffer) {
    buffer->count = 0;
    buffer->bytes = OPENSSL_malloc(count > 0 ? count : 1);
    if (!buffer->bytes) return 0;
    if (count > 0) memcpy(buffer->bytes, bytes, count);
    buffer->count = count;
    return 1;
}

int bh_take_bio(BIO *bio, bh_buffer *buffer) {
    char *bytes = NULL;
    long count = BIO_get_mem_data(bio, &bytes);
    return count >= 0 && bh_take_copy((const uint8_t *)bytes, (size_t)count, buffer);
}

int bh_take_encoded(uint8_t *encoded, int count, bh_buffer *buffer) {
    if (count < 0 || !encoded) return 0;
    buffer->bytes = encoded;
    buffer->count = (size_t)count;
    return 1;
}

BIO *bh_reader(const uint8_t *bytes, size_t count) {
    return count > INT_MAX ? NULL : BIO_new_mem_buf(bytes, (int)count);
}

X509 *bh_certificate(const uint8_t *der, size_t count) {
    if (count > INT_MAX) return NULL;
    const uint8_t *end = der;
    X509 *certificate = d2i_X509(NULL, &end, (long)count);
    if (certificate && end != der + count) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

int bh_pem_encode(const char *label, const uint8_t *der, size_t der_count, bh_buffer *pem) {
    BIO *out = BIO_new(BIO_s_mem());
    int done = out && der_count <= INT_MAX && PEM_write_bio(out, label, "", der, (long)der_count) > 0
        && bh_take_bio(out, pem);
    BIO_free(out);
    ERR_clear_error();
    return done;
}

int bh_pem_decode(const uint8_t *pem, size_t pem_count, char **label, bh_buffer *der) {
    BIO *in = bh_reader(pem, pem_count);
    char *header = NULL;
    uint8_t *bytes = NULL;
    long count = 0;
    *label = NULL;
    int done = in && PEM_read_bio(in, label, &header, &bytes, &count) && count >= 0
        && bh_take_encoded(bytes, (int)count, der);
    if (!done) {
        OPENSSL_free(bytes);
        OPENSSL_free(*label);
        *label = NULL;
    }
    OPENSSL_free(header);
    BIO_free(in);
    ERR_clear_error();
    return done;
}

void bh_text_free(char *text) { OPENSSL_free(text); }
