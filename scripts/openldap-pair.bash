# Sourced by scripts/partition-demo after scripts/two-nodes.bash and scripts/openldap.bash: two slapds of one
# multi-provider pair, each pulling from the other through a TCP relay that can be cut.

# The configuration that the Administrator's Guide and slapd.conf(5) give for two providers, plain or delta.
ldap_configuration() { # plain | delta, side, directory, the relay's port to the partner
    slapd_head "$3" "$2"
    if [ "$1" = delta ]; then slapd_log_database "$3" 67108864; fi
    slapd_database "$3" 67108864
    cat <<CONF
index objectClass,entryCSN,entryUUID eq
overlay syncprov
syncprov-checkpoint 100 10
CONF
    if [ "$1" = delta ]; then
        slapd_log_overlay
    else
        printf 'syncprov-sessionlog 1000\n'
    fi
    printf 'syncrepl rid=00%s provider=ldap://127.0.0.1:%s searchbase="%s" scope=sub\n' "$2" "$4" "$base"
    printf '    type=refreshAndPersist retry="1 +" bindmethod=simple binddn="cn=admin,%s" credentials=%s\n' \
        "$base" "$ldap_password"
    if [ "$1" = delta ]; then
        printf '    schemachecking=on syncdata=accesslog logbase="cn=accesslog"\n'
        printf '    logfilter="(&(objectClass=auditWriteObject)(reqResult=0))"\n'
    fi
    printf 'multiprovider on\n'
}

# Sets the pair's ports: its servers' and, for each, the relay through which the partner reaches it.
make_ldap_pair() { # plain | delta
    local side directory
    for side in 1 2; do
        take_port; ldap_port[side]=$port
        take_port; relay_port[side]=$port
    done
    for side in 1 2; do
        directory="$workdir/openldap/$1-$side"
        mkdir -p "$directory/data" "$directory/log"
        ldap_configuration "$1" "$side" "$directory" "${relay_port[3 - side]}" >"$directory/slapd.conf"
        chmod 600 "$directory/slapd.conf"
        /usr/sbin/slapd -d sync -f "$directory/slapd.conf" -h "ldap://127.0.0.1:${ldap_port[side]}/" \
            >"$directory.log" 2>&1 &
        echo $! >"$directory.pid"
    done
    for side in 1 2; do
        directory="$workdir/openldap/$1-$side"
        wait_for 20 listens "${ldap_port[side]}" && is_running "$directory" || {
            tail -n 20 "$directory.log" >&2
            fail "slapd of side $side ($1) did not start" "see $directory.log and $directory/slapd.conf"
        }
    done
    ldap_link_up "$1"
}
stop_ldap_pair() { # plain | delta
    ldap_link_down "$1"
    stop_node "$workdir/openldap/$1-1"
    stop_node "$workdir/openldap/$1-2"
}

ldap_link_up() { # plain | delta
    local side
    for side in 1 2; do
        setsid socat "TCP-LISTEN:${relay_port[side]},bind=127.0.0.1,reuseaddr,fork" \
            "TCP:127.0.0.1:${ldap_port[side]}" >>"$workdir/openldap/$1-relay-$side.log" 2>&1 &
        echo $! >"$workdir/openldap/$1-relay-$side.pid"
    done
    for side in 1 2; do
        wait_for 10 listens "${relay_port[side]}" ||
            fail "the relay to side $side ($1) did not start" "see $workdir/openldap/$1-relay-$side.log"
    done
}
# A relay and its open connections are one process group.
ldap_link_down() { # plain | delta
    local side pid
    for side in 1 2; do
        pid=$(cat "$workdir/openldap/$1-relay-$side.pid" 2>/dev/null) || continue
        rm -f "$workdir/openldap/$1-relay-$side.pid"
        kill -TERM -- "-$pid" 2>/dev/null || true
        wait_for 10 is_gone "$pid" || kill -KILL -- "-$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}
is_gone() { ! kill -0 -- "-$1" 2>/dev/null; } # process group

ldap() { # client, side, arguments; LDIF on stdin
    timeout 20 "$1" -x -H "ldap://127.0.0.1:${ldap_port[$2]}" -D "cn=admin,$base" -w "$ldap_password" "${@:3}"
}
ldap_retries() { grep -c ' retrying$' "$workdir/openldap/$1-$2.log" || true; } # plain | delta, side
ldap_read() { ldap ldapsearch "$1" -LLL -o ldif-wrap=no -b "$base" 2>/dev/null; } # side
# What both sides say they know of both servers' writes.
ldap_context_equal() {
    local one two
    one=$(ldap ldapsearch 1 -LLL -o ldif-wrap=no -s base -b "$base" contextCSN 2>/dev/null | sort) || return 1
    two=$(ldap ldapsearch 2 -LLL -o ldif-wrap=no -s base -b "$base" contextCSN 2>/dev/null | sort) || return 1
    [ "$one" = "$two" ]
}
