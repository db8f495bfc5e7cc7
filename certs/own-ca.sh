#!/usr/bin/env bash
# A forest's CA in one directory, run with the stock openssl command and nothing of Bridgehead.
#   own-ca.sh init DIR --name NAME                make the CA: DIR/ca.key (mode 0600), DIR/ca.crt
#   own-ca.sh sign DIR REQUEST --dsa GUID --mail ADDRESS --dns NAME --out FILE
#                                                 issue a DSA's certificate; only the key comes from REQUEST
#   own-ca.sh crl DIR --out FILE                  write a revocation list with the next number, good for a year
#   own-ca.sh revoke DIR CERTIFICATE              put a certificate on the next revocation list
# `bridgehead forest create --external-ca DIR/ca.crt --crl FILE` and `bridgehead join` print GUID, ADDRESS and NAME.
# Keep DIR/ca.key where no DSA runs; DIR/index.txt is the record of what was issued and revoked.
set -euo pipefail
umask 077

fail() { printf 'error: %s\n' "$1" >&2; [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2; exit "${3:-1}"; }
usage() { sed -n '2,9s/^# \{0,1\}//p' "$0"; }
misused() { fail "$1" "own-ca.sh --help" 64; }
# Runs openssl; what it says is shown only when it fails.
quietly() { # error, command
    local error=$1 said
    shift
    said=$("$@" 2>&1) || { printf '%s\n' "$said" >&2; fail "$error"; }
}
# Where a file is made before it gets its name: a half one never has it, and no key is overwritten.
unfinished() { # file
    if [ -e "$1" ] && grep -q 'PRIVATE KEY' "$1"; then fail "$1 holds a private key" "choose another --out"; fi
    printf '%s.new\n' "$1"
}
an_hour_ago() { date -u -d '1 hour ago' +%Y%m%d%H%M%SZ; }
require_authority() {
    [ -r "$directory/ca.key" ] || fail "no CA in $directory" "make one: own-ca.sh init $directory --name \"...\""
}

write_settings() {
    cat >"$directory/openssl.cnf" <<'CNF'
[ca]
default_ca = own
[own]
database = $ENV::OWN_CA/index.txt
crlnumber = $ENV::OWN_CA/crlnumber
certificate = $ENV::OWN_CA/ca.crt
private_key = $ENV::OWN_CA/ca.key
new_certs_dir = $ENV::OWN_CA/issued
rand_serial = yes
unique_subject = no
default_md = sha256
default_crl_days = 365
policy = nothing_of_the_request
[nothing_of_the_request]
commonName = optional
[crl]
authorityKeyIdentifier = keyid:always
[req]
distinguished_name = none
[none]
CNF
}

init() {
    case "$name" in
    '') misused "init needs --name" ;;
    *[!A-Za-z0-9\ ._-]*) fail "\"$name\" is no CA name" "letters, digits, spaces, dots, hyphens; for example Reskit Own CA" 64 ;;
    esac
    [ ${#name} -le 64 ] || fail "a CA name has at most 64 characters" "choose a shorter --name" 64
    [ ! -e "$directory/ca.key" ] || fail "$directory holds a CA already" "choose another directory"
    mkdir -p "$directory/issued"
    chmod 700 "$directory"
    write_settings
    : >"$directory/index.txt"
    echo 01 >"$directory/crlnumber"
    local profile="$directory/ca.profile"
    printf '%s\n' 'basicConstraints = critical,CA:TRUE,pathlen:0' 'keyUsage = critical,keyCertSign,cRLSign' \
        'subjectKeyIdentifier = hash' >"$profile"
    quietly "the CA's key was not made" openssl req -new -config "$directory/openssl.cnf" -sha256 -nodes \
        -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout "$directory/ca.key" -out "$directory/ca.csr" -subj "/CN=$name"
    # From an hour ago: a partner's clock may be behind.
    quietly "the CA was not made" openssl ca -batch -selfsign -config "$directory/openssl.cnf" -in "$directory/ca.csr" \
        -keyfile "$directory/ca.key" -extfile "$profile" -notext -days 3650 -startdate "$(an_hour_ago)" \
        -out "$directory/ca.crt"
    rm -f "$directory/ca.csr" "$profile"
    chmod 600 "$directory/ca.key"
    chmod 644 "$directory/ca.crt"
    printf 'CA             %s\nkey            %s\ncertificate    %s\n' "$name" "$directory/ca.key" "$directory/ca.crt"
}

# The GUID's octets as Active Directory stores them: the first three fields little-endian.
stored_guid() { # GUID
    local g=${1//-/}
    printf '%s\n' "${g:6:2}${g:4:2}${g:2:2}${g:0:2}${g:10:2}${g:8:2}${g:14:2}${g:12:2}${g:16}"
}
write_profile() { # file, what the key is used for beside signing
    cat >"$1" <<CNF
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,$2
extendedKeyUsage = emailProtection,1.3.6.1.4.1.311.21.19,serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
subjectAltName = critical,@names
[names]
otherName = 1.3.6.1.4.1.311.25.1;FORMAT:HEX,OCTETSTRING:$(stored_guid "$dsa")
email = $mail
DNS = $dns
CNF
}

sign() {
    local hex='[0-9A-Fa-f]' use=keyAgreement
    [ -n "$file" ] || misused "sign needs a request"
    [ -r "$file" ] || fail "cannot read $file" "check the path of the request"
    [[ $dsa =~ ^$hex{8}-$hex{4}-$hex{4}-$hex{4}-$hex{12}$ ]] ||
        fail "--dsa needs a GUID, not \"$dsa\"" "forest create and join print it" 64
    [[ $mail =~ ^[A-Za-z0-9._+=~-]+@[A-Za-z0-9._-]+$ ]] || fail "--mail needs an address, not \"$mail\"" "forest create and join print it" 64
    [[ $dns =~ ^[A-Za-z0-9._-]+$ ]] || fail "--dns needs a host name, not \"$dns\"" "forest create and join print it" 64
    [ -n "$out" ] || misused "sign needs --out"
    require_authority
    if openssl req -in "$file" -noout -text 2>/dev/null | grep -q 'Algorithm: rsaEncryption'; then use=keyEncipherment; fi
    target=$(unfinished "$out")
    profile=$(mktemp)
    write_profile "$profile" "$use"
    # An hour back, for slow clocks.
    quietly "$file was not signed" openssl ca -batch -config "$directory/openssl.cnf" -in "$file" \
        -subj / -extfile "$profile" -notext -days 825 -startdate "$(an_hour_ago)" -out "$target"
    chmod 644 "$target"
    mv -f -- "$target" "$out"
    printf 'certificate    %s for DSA %s\n' "$out" "$dsa"
    openssl x509 -in "$out" -noout -serial -enddate
}

crl() {
    [ -n "$out" ] || misused "crl needs --out"
    require_authority
    target=$(unfinished "$out")
    quietly "no revocation list was made" openssl ca -config "$directory/openssl.cnf" -gencrl \
        -crlexts crl -out "$target"
    chmod 644 "$target"
    mv -f -- "$target" "$out"
    openssl crl -in "$out" -noout -crlnumber -nextupdate
}

revoke() {
    [ -n "$file" ] || misused "revoke needs a certificate"
    [ -r "$file" ] || fail "cannot read $file" "check the path of the certificate"
    require_authority
    quietly "$file was not revoked" openssl ca -config "$directory/openssl.cnf" -revoke "$file"
    printf 'revoked        %s\n' "$file"
    printf 'next: own-ca.sh crl %s --out FILE, and give the list to the forest\n' "$directory" >&2
}

case "${1:-}" in
init | sign | crl | revoke) verb=$1 ;;
-h | --help) usage; exit 0 ;;
'') usage >&2; exit 64 ;;
*) misused "unknown verb $1" ;;
esac
shift
directory='' file='' name='' dsa='' mail='' dns='' out='' target='' profile=''
trap 'rm -f -- ${target:+"$target"} ${profile:+"$profile"}' EXIT
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help) usage; exit 0 ;;
    --name | --dsa | --mail | --dns | --out)
        [ $# -ge 2 ] || misused "$1 needs a value"
        printf -v "${1#--}" %s "$2"
        shift
        ;;
    -*) misused "unknown option $1" ;;
    *)
        if [ -z "$directory" ]; then directory=${1%/}; elif [ -z "$file" ]; then file=$1; else misused "too many arguments: $1"; fi
        ;;
    esac
    shift
done
[ -n "$directory" ] || misused "$verb needs the CA's directory"
export OWN_CA=$directory
"$verb"
