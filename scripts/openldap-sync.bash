# Sourced by scripts/bench after scripts/openldap.bash and scripts/measures.bash: a provider and a consumer of syncrepl
# over ldaps on the loopback interface, with the settings that the Administrator's Guide gives; a server is asked over
# its Unix socket, so that the interface carries replication only.
# Each kind is plain or delta; each speed durable (the default) or nosync (dbnosync on both sides).

ldap_maxsize=17179869184
ldap_home() { echo "$workdir/openldap/$1"; } # name of a server's directory

make_ldap_certificate() {
    mkdir -p "$workdir/openldap"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=127.0.0.1" \
        -addext "subjectAltName=IP:127.0.0.1" -keyout "$workdir/openldap/tls.key" -out "$workdir/openldap/tls.crt" \
        2>"$workdir/openldap/tls.log" || fail "openssl made no certificate" "see $workdir/openldap/tls.log"
}

# Writes the configuration of a directory whose data stays as it is.
configure_ldap() { # provider | consumer, plain | delta, durable | nosync, directory
    local speed=
    [ "$3" = durable ] || speed=dbnosync
    mkdir -p "$4/data" "$4/log"
    {
        slapd_head "$4" "$([ "$1" = provider ] && echo 1 || echo 2)" cosine inetorgperson
        printf 'sizelimit unlimited\nTLSCACertificateFile "%s"\nTLSCertificateFile "%s"\nTLSCertificateKeyFile "%s"\n' \
            "$workdir/openldap/tls.crt" "$workdir/openldap/tls.crt" "$workdir/openldap/tls.key"
        if [ "$1-$2" = provider-delta ]; then slapd_log_database "$4" "$ldap_maxsize" "$speed"; fi
        slapd_database "$4" "$ldap_maxsize"
        printf '%s\nindex objectClass,entryCSN,entryUUID,uid eq\nindex cn,sn,mail eq\n' "$speed"
        case "$1-$2" in
        provider-plain) printf 'overlay syncprov\nsyncprov-checkpoint 1000 10\n' ;;
        provider-delta) printf 'overlay syncprov\nsyncprov-checkpoint 1000 10\n'; slapd_log_overlay ;;
        consumer-*)
            printf 'syncrepl rid=001 provider=ldaps://127.0.0.1:%s type=refreshAndPersist retry="1 +"\n' "$ldaps_port"
            printf '    searchbase="%s" scope=sub schemachecking=off bindmethod=simple\n' "$base"
            printf '    binddn="cn=admin,%s" credentials=%s tls_cacert="%s" tls_reqcert=demand\n' \
                "$base" "$ldap_password" "$workdir/openldap/tls.crt"
            if [ "$2" = delta ]; then
                printf '    syncdata=accesslog logbase="cn=accesslog"\n'
                printf '    logfilter="(&(objectClass=auditWriteObject)(reqResult=0))"\n'
            fi
            ;;
        esac
    } >"$4/slapd.conf"
    chmod 600 "$4/slapd.conf"
}

ldapi_url() { local path="$1/ldapi"; echo "ldapi://${path//\//%2F}"; } # directory
start_ldap() { # directory, further URLs
    /usr/sbin/slapd -d 0 -f "$1/slapd.conf" -h "$(ldapi_url "$1") ${2:-}" >>"$1.log" 2>&1 &
    echo $! >"$1.pid"
}
# Until it listens, or an error.
await_ldap() { # directory
    for _ in $(seq 1000); do
        if is_listening "$1/ldapi"; then return; fi
        is_running "$1" || break
        sleep 0.02
    done
    tail -n 20 "$1.log" >&2
    fail "slapd did not start" "see $1.log and $1/slapd.conf"
}
start_ldap_provider() { start_ldap "$1" "ldaps://127.0.0.1:$ldaps_port/" && await_ldap "$1"; } # directory

fill_ldap() { # directory, LDIF files
    timeout 900 /usr/sbin/slapadd -q -w -f "$1/slapd.conf" -b "$base" -l <(
        printf 'dn: %s\nobjectClass: top\nobjectClass: dcObject\nobjectClass: organization\no: bench\ndc: %s\n\n' \
            "$base" "${forest%%.*}"
        cat "${@:2}"
    ) >"$1.slapadd.log" 2>&1 || fail "slapadd refused the people" "see $1.slapadd.log"
}
change_ldap() { # directory, LDIF file
    timeout 900 ldapmodify -x -H "$(ldapi_url "$1")" -D "cn=admin,$base" -w "$ldap_password" -f "$2" \
        >"$1.ldapmodify.log" 2>&1 || fail "ldapmodify stopped" "see $1.ldapmodify.log"
}
count_ldap() { # directory
    timeout 300 ldapsearch -x -LLL -H "$(ldapi_url "$1")" -D "cn=admin,$base" -w "$ldap_password" -b "$base" \
        -o ldif-wrap=no "(uid=*)" 1.1 2>/dev/null | grep -c '^dn: ' || true
}
# The newest write that a directory knows of; nothing while it knows of none.
ldap_csn() { # directory
    timeout 20 ldapsearch -x -LLL -H "$(ldapi_url "$1")" -s base -b "$base" contextCSN 2>/dev/null |
        sed -n 's/^contextCSN: //p' | sort | tail -n 1
}

# Asks for contextCSN over one connection, every 20 ms, so that the asking costs next to nothing; sets $reached to
# the moment when the answer was as wanted.
await_csn() { # directory, contextCSN, seconds
    local end=$((SECONDS + $3)) suffix text piece relay found=no
    local -i length=${#base}
    printf -v suffix '\\x%02x' "$length"
    # An LDAP search of RFC 4511: base object, any entry, the one attribute.
    local -i inner=$((2 + length + 6 + 6 + 3 + 13 + 14))
    printf -v text '\\x30\\x%02x\\x02\\x01\\x01\\x63\\x%02x\\x04%s%s' $((inner + 5)) "$inner" "$suffix" "$base"
    text+='\x0a\x01\x00\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00\x87\x0bobjectClass\x30\x0c\x04\x0acontextCSN'
    trap '' PIPE
    while [ "$SECONDS" -lt "$end" ] && [ "$found" = no ] && is_running "$1"; do
        coproc RELAY { exec socat - "UNIX-CONNECT:$1/ldapi" 2>/dev/null; }
        relay=$RELAY_PID
        exec {to}>&"${RELAY[1]}" {from}<&"${RELAY[0]}"
        # shellcheck disable=SC2059
        while [ "$SECONDS" -lt "$end" ] && printf "$text" 2>/dev/null >&"$to"; do
            while IFS= read -r -d '' -t 0.02 piece <&"$from" || [ -n "$piece" ]; do
                case "$piece" in *"$2"*) found=yes; reached=$(microseconds); break 2 ;; esac
            done
        done
        kill "$relay" 2>/dev/null || true
        wait "$relay" 2>/dev/null || true
        exec {to}>&- {from}<&-
    done
    trap - PIPE
    [ "$found" = yes ]
}

# Templates: a provider that holds the people; for catch-up also a consumer that holds them, and changes at the
# provider since.
make_ldap_templates() { # plain | delta, catch-up or nothing
    local provider consumer
    provider=$(ldap_home "$1-provider") consumer=$(ldap_home "$1-consumer")
    say "-- OpenLDAP ($1): filling the provider"
    configure_ldap provider "$1" nosync "$provider"
    fill_ldap "$provider" "$workdir/people.ldif"
    [ "${2:-}" = catch-up ] || return 0
    configure_ldap consumer "$1" nosync "$consumer"
    start_ldap_provider "$provider"
    start_ldap "$consumer"
    await_ldap "$consumer"
    await_csn "$consumer" "$(ldap_csn "$provider")" "$run_seconds" ||
        fail "the consumer ($1) did not get the people within $run_seconds s" "see $consumer.log"
    stop_node "$consumer"
    say "-- OpenLDAP ($1): changing the people at the provider"
    change_ldap "$provider" "$workdir/changes.ldif"
    stop_node "$provider"
    rm -rf "$consumer.template"
    mv "$consumer" "$consumer.template"
}

# One run: the consumer starts, and is done when it knows of the provider's newest write.
run_ldap() { # plain | delta, durable | nosync, row's name, items
    local provider consumer target began received wire=- fsync started
    provider=$(ldap_home "$1-provider") consumer=$(ldap_home "$1-consumer")
    rm -rf "$consumer"
    if [ -d "$consumer.template" ]; then cp -a --sparse=always "$consumer.template" "$consumer"; fi
    configure_ldap provider "$1" "$2" "$provider"
    configure_ldap consumer "$1" "$2" "$consumer"
    start_ldap_provider "$provider"
    target=$(ldap_csn "$provider")
    settle
    fsync=$(fsync_median)
    started=$(processor_microseconds "$(cat "$provider.pid")")
    received=$(loopback_octets)
    began=$(microseconds)
    start_ldap "$consumer"
    await_ldap "$consumer"
    await_csn "$consumer" "$target" "$run_seconds" ||
        fail "the consumer did not reach $target within $run_seconds s" "see $consumer.log"
    sleep 0.2
    if [ "$is_counted" = true ]; then wire=$(($(loopback_octets) - received)); fi
    record "$3" "$4" $((reached - began)) \
        $(($(processor_microseconds "$(cat "$provider.pid")") - started)) \
        "$(processor_microseconds "$(cat "$consumer.pid")")" "$wire" - \
        "$(peak_kibibytes "$(cat "$provider.pid")")" "$(peak_kibibytes "$(cat "$consumer.pid")")" "$fsync"
    [ "$(count_ldap "$consumer")" = "$people" ] || fail "the consumer does not hold $people people" "see $consumer.log"
    stop_node "$consumer"
    stop_node "$provider"
}
