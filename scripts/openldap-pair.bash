# Sourced by scripts/partition-demo after scripts/two-nodes.bash: two slapds of one multi-provider pair, each pulling
# from the other through a TCP relay that can be cut. Expects: $workdir, $base (the suffix). Everything lies below
# $workdir/openldap; the system's own slapd and its configuration are neither used nor changed.

ldap_password=partition ldap_ports=" "

# slapd, its clients and the relay, from Debian; the service that the package brings is not started, now or at boot.
install_openldap() {
    local package missing=() sudo=() policy=/usr/sbin/policy-rc.d own_policy=no status=0
    for package in slapd ldap-utils socat; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        fail "missing ${missing[*]}, and there is no apt-get" "--only bridgehead needs none of them"
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    say "installing ${missing[*]} (log: $workdir/packages.log)"
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" install -m 755 /dev/stdin "$policy"
        own_policy=yes
    fi
    {
        echo 'slapd slapd/no_configuration boolean true' | "${sudo[@]}" debconf-set-selections &&
            "${sudo[@]}" timeout 600 apt-get -o DPkg::Lock::Timeout=300 -qq update &&
            "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive timeout 900 apt-get -o DPkg::Lock::Timeout=300 -qq \
                install -y --no-install-recommends "${missing[@]}"
    } >"$workdir/packages.log" 2>&1 </dev/null || status=$?
    case " ${missing[*]} " in
    *" slapd "*) "${sudo[@]}" update-rc.d slapd disable >>"$workdir/packages.log" 2>&1 || true ;;
    esac
    if [ "$own_policy" = yes ]; then "${sudo[@]}" rm -f "$policy"; fi
    [ "$status" -eq 0 ] || fail "could not install ${missing[*]}" "see $workdir/packages.log"
}

# Sets $port to a free one that this run has not handed out.
take_port() {
    while :; do
        port=$(free_port)
        case "$ldap_ports" in *" $port "*) ;; *) break ;; esac
    done
    ldap_ports+="$port "
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; } # port

# The configuration that the Administrator's Guide and slapd.conf(5) give for two providers, plain or delta.
ldap_configuration() { # plain | delta, side, directory, the relay's port to the partner
    cat <<CONF
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
moduleload accesslog
pidfile "$3/slapd.pid"
serverID $2
CONF
    if [ "$1" = delta ]; then
        cat <<CONF

database mdb
suffix cn=accesslog
rootdn "cn=admin,$base"
directory "$3/log"
maxsize 67108864
index default eq
index entryCSN,objectClass,reqEnd,reqResult,reqStart,reqDN
limits * size=unlimited time=unlimited
overlay syncprov
syncprov-nopresent TRUE
syncprov-reloadhint TRUE
CONF
    fi
    cat <<CONF

database mdb
suffix "$base"
rootdn "cn=admin,$base"
rootpw $ldap_password
directory "$3/data"
maxsize 67108864
index objectClass,entryCSN,entryUUID eq
limits * size=unlimited time=unlimited
overlay syncprov
syncprov-checkpoint 100 10
CONF
    if [ "$1" = delta ]; then
        printf 'overlay accesslog\nlogdb cn=accesslog\nlogops writes\nlogsuccess TRUE\n'
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
