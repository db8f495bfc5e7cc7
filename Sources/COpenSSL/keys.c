#include "internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

static bh_key *finished(EVP_PKEY *key) {
    ERR_clear_error();
    return (bh_key *)key;
}

bh_key *bh_key_generate_ec(const char *curve) { return finished(EVP_EC_gen(curve)); }

bh_key *bh_key_generate_rsa(unsigned bits) { return finished(EVP_RSA_gen(bits)); }

bh_key *bh_key_from_pkcs8(const uint8_t *der, size_t count) {
    if (count > INT_MAX) return NULL;
    const uint8_t *end = der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &end, (long)count);
    EVP_PKEY *key = info && end == der + count ? EVP_PKCS82PKEY(info) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    return finished(key);
}

/// Never asks a terminal for a pass phrase: an encrypted key is simply not read.
static int no_passphrase(char *out, int capacity, int writing, void *data) {
    (void)out, (void)capacity, (void)writing, (void)data;
    return -1;
}

bh_key *bh_key_from_private_pem(const uint8_t *pem, size_t count) {
    BIO *in = bh_reader(pem, count);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;
    BIO_free(in);
    return finished(key);
}

bh_key *bh_key_from_public(const uint8_t *spki, size_t count) {
    if (count > INT_MAX) return NULL;
    const uint8_t *end = spki;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &end, (long)count);
    if (key && end != spki + count) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return finished(key);
}

void bh_key_free(bh_key *key) { EVP_PKEY_free(bh_pkey(key)); }

int bh_key_to_pkcs8(const bh_key *key, bh_buffer *der) {
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(bh_pkey(key));
    uint8_t *encoded = NULL;
    int count = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &encoded) : -1;
    PKCS8_PRIV_KEY_INFO_free(info);
    ERR_clear_error();
    return bh_take_encoded(encoded, count, der);
}

int bh_key_to_public(const bh_key *key, bh_buffer *spki) {
    uint8_t *encoded = NULL;
    int count = i2d_PUBKEY(bh_pkey(key), &encoded);
    ERR_clear_error();
    return bh_take_encoded(encoded, count, spki);
}

int bh_key_public_check(const bh_key *key) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(bh_pkey(key), NULL);
    int good = context && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return good;
}

int bh_key_sign(const bh_key *key, const char *digest, const uint8_t *data, size_t count, bh_buffer *signature) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t capacity = 0;
    uint8_t *bytes = NULL;
    int done = context && EVP_DigestSignInit_ex(context, NULL, digest, NULL, NULL, bh_pkey(key), NULL) == 1
        && EVP_DigestSign(context, NULL, &capacity, data, count) == 1
        && (bytes = OPENSSL_malloc(capacity)) && EVP_DigestSign(context, bytes, &capacity, data, count) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    if (!done) {
        OPENSSL_free(bytes);
        return 0;
    }
    signature->bytes = bytes;
    signature->count = capacity;
    return 1;
}

int bh_key_verify(const bh_key *key, const char *digest, const uint8_t *data, size_t count,
                  const uint8_t *signature, size_t signature_count) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = context && EVP_DigestVerifyInit_ex(context, NULL, digest, NULL, NULL, bh_pkey(key), NULL) == 1
        && EVP_DigestVerify(context, signature, signature_count, data, count) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

bh_digest *bh_digest_begin(const char *name) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *digest = EVP_get_digestbyname(name);
    if (context && (!digest || EVP_DigestInit_ex(context, digest, NULL) != 1)) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    ERR_clear_error();
    return (bh_digest *)context;
}

int bh_digest_update(bh_digest *digest, const uint8_t *bytes, size_t count) {
    return EVP_DigestUpdate((EVP_MD_CTX *)digest, bytes, count) == 1;
}

int bh_digest_finish(bh_digest *digest, uint8_t *octets, size_t capacity, size_t *count) {
    unsigned length = 0;
    uint8_t result[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex((EVP_MD_CTX *)digest, result, &length) != 1 || length > capacity) return 0;
    memcpy(octets, result, length);
    *count = length;
    return 1;
}

void bh_digest_free(bh_digest *digest) { EVP_MD_CTX_free((EVP_MD_CTX *)digest); }

int bh_hmac_sha256(const uint8_t *key, size_t key_count, const uint8_t *bytes, size_t count,
                   uint8_t octets[32]) {
    unsigned length = 0;
    if (key_count > INT_MAX) return 0;
    const uint8_t *result = HMAC(EVP_sha256(), key_count > 0 ? (const void *)key : "", (int)key_count,
                                 bytes, count, octets, &length);
    ERR_clear_error();
    return result && length == 32;
}

int bh_random(uint8_t *octets, size_t count) {
    int done = count <= INT_MAX && RAND_bytes(octets, (int)count) == 1;
    ERR_clear_error();
    return done;
}
