# Sourced after scripts/two-nodes.bash by those who run OpenLDAP beside us: installs it from Debian, writes what all
# configurations of it share, starts servers and asks them. Expects: $workdir, $base (the suffix). Everything lies
# below $workdir/openldap; the system's own slapd and its configuration are neither used nor changed.

ldap_password=partition ldap_ports=" "

# slapd, its clients and the relay, from Debian; the service that the package brings is not started, now or at boot.
install_openldap() {
    local package missing=() sudo=() policy=/usr/sbin/policy-rc.d own_policy=no status=0
    for package in slapd ldap-utils socat; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        fail "missing ${missing[*]}, and there is no apt-get" "without OpenLDAP as the peer none of them is needed"
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

# What a configuration begins with.
slapd_head() { # directory, server ID, further schemas
    local schema
    for schema in core "${@:3}"; do echo "include /etc/ldap/schema/$schema.schema"; done
    cat <<CONF
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
moduleload accesslog
pidfile "$1/slapd.pid"
serverID $2
CONF
}

# The database of changes that delta-syncrepl reads.
slapd_log_database() { # directory, octets at most, further lines
    cat <<CONF

database mdb
suffix cn=accesslog
rootdn "cn=admin,$base"
directory "$1/log"
maxsize $2
${3:-}
index default eq
index entryCSN,objectClass,reqEnd,reqResult,reqStart,reqDN
limits * size=unlimited time=unlimited
overlay syncprov
syncprov-nopresent TRUE
syncprov-reloadhint TRUE
CONF
}
slapd_log_overlay() { printf 'overlay accesslog\nlogdb cn=accesslog\nlogops writes\nlogsuccess TRUE\n'; }

slapd_database() { # directory, octets at most
    cat <<CONF

database mdb
suffix "$base"
rootdn "cn=admin,$base"
rootpw $ldap_password
directory "$1/data"
maxsize $2
limits * size=unlimited time=unlimited
CONF
}
