#include "internal.h"

enum { security_level_112_bits = 2 };

int bh_chain_check(const uint8_t *leaf, size_t leaf_count, const uint8_t *anchor, size_t anchor_count) {
    X509 *leaf_certificate = bh_certificate(leaf, leaf_count);
    X509 *anchor_certificate = bh_certificate(anchor, anchor_count);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int code = -1;
    if (leaf_certificate && anchor_certificate && store && context
        && X509_STORE_add_cert(store, anchor_certificate) == 1
        && X509_STORE_CTX_init(context, store, leaf_certificate, NULL) == 1) {
        X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
        // The system clock decides nothing: the caller compares the dates with the time it was given.
        X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT | X509_V_FLAG_NO_CHECK_TIME);
        X509_VERIFY_PARAM_set_auth_level(parameters, security_level_112_bits);
        X509_VERIFY_PARAM_set_depth(parameters, 0);
        int good = X509_verify_cert(context) == 1;
        code = X509_STORE_CTX_get_error(context);
        if (!good && code == X509_V_OK) code = -1;
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(anchor_certificate);
    X509_free(leaf_certificate);
    ERR_clear_error();
    return code;
}

const char *bh_chain_error_text(int code) {
    return code < 0 ? "unreadable certificate" : X509_verify_cert_error_string(code);
}
