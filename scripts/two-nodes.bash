# Sourced by scripts/demo, torture, partition-demo and bench: builds the program, makes HQ and Vancouver below
# $workdir, starts and stops them, compares what they hold. Expects: $caller, $workdir; sets hq, van, bridgehead, root,
# child and the ports hq_port, van_port. With external_ca=true the forest's CA is certs/own-ca.sh in $workdir/ca.
# replication_settings and mail_settings, where set, stand in the nodes' configuration.

fail() { printf 'error: %s\n' "$1" >&2; [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2; exit "${3:-1}"; }
# A path as the caller's working directory means it.
absolute() { case "$1" in /*) printf '%s\n' "$1" ;; *) printf '%s/%s\n' "$caller" "$1" ;; esac; }
say() { printf '%s\n' "$*" >&2; }

# Asks a node to stop, and ends it after 10 s.
stop_node() { # directory
    local pid
    pid=$(cat "$1.pid" 2>/dev/null) || return 0
    kill -TERM "$pid" 2>/dev/null || { rm -f "$1.pid"; return 0; }
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
    rm -f "$1.pid"
}
is_running() { # directory
    local pid
    pid=$(cat "$1.pid" 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
}

# An empty $workdir with our marker, or an error: nothing that is not ours is removed.
prepare_workdir() {
    hq="$workdir/hq" van="$workdir/van" marker="$workdir/.bridgehead-demo"
    if [ -e "$workdir" ]; then
        [ -e "$marker" ] || [ -z "$(ls -A "$workdir")" ] ||
            fail "$workdir exists and is no demo's" "choose another --workdir"
        if is_running "$hq" || is_running "$van"; then
            fail "a demo is running in $workdir" "scripts/demo down --workdir $workdir"
        fi
        rm -rf -- "${workdir:?}"
    fi
    mkdir -p "$workdir"
    workdir=$(cd "$workdir" && pwd)
    hq="$workdir/hq" van="$workdir/van" marker="$workdir/.bridgehead-demo"
    touch "$marker"
}

build() {
    scripts/install-dependencies
    say "building (the first time takes some minutes) ..."
    timeout 2400 swift build -c release --product bridgehead >&2
    bridgehead="$(swift build -c release --show-bin-path)/bridgehead"
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        [ "$port" != "${taken:-}" ] || continue
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

configure() { # directory, own port, partner, partner's port
    local replication=${replication_settings:-'interval: 5s, notifyDelay: 1s'}
    local mail=${mail_settings:-'archive: true, retry: "2 5 10 +"'}
    cat >"$1/bridgehead.yaml" <<YAML
smtp: {listen: 127.0.0.1, port: $2}
routes:
  - {match: "$3", via: "smtp://127.0.0.1:$4", starttls: opportunistic}
replication: {$replication}
mail: {$mail}
YAML
}

launch() { # directory
    "$bridgehead" serve --data "$1" >>"$1.log" 2>&1 &
    echo $! >"$1.pid"
}
ready() { # name, directory
    for _ in $(seq 150); do
        if timeout 20 "$bridgehead" repl show --data "$2" >/dev/null 2>&1; then return; fi
        is_running "$2" || { tail -n 20 "$2.log" >&2; fail "$1 did not start" "see $2.log"; }
        sleep 0.2
    done
    fail "$1 did not answer within 30 s" "see $2.log"
}
start() { launch "$2" && ready "$1" "$2"; } # name, directory

# A node's certificate from the CA in $workdir/ca, with what the node printed about itself.
own_ca_sign() { # hq or van
    local facts="$workdir/$1.facts"
    fact() { awk -v name="$1" '$1 == name { print $2 }' "$facts"; }
    certs/own-ca.sh sign "$workdir/ca" "$workdir/$1/pki/dsa.csr" --dsa "$(fact dsaGUID)" --mail "$(fact mail)" \
        --dns "$(fact dns)" --out "$workdir/$1.crt" >&2
}

# The forest at HQ, which holds its certificate afterwards.
create_forest() { # forest name
    local create=(forest create "$1" --server HQ-RES-DC-01 --site Headquarters --data "$hq")
    if [ "${external_ca:-false}" != true ]; then
        "$bridgehead" "${create[@]}" >&2
        return
    fi
    certs/own-ca.sh init "$workdir/ca" --name "Reskit Own CA" >&2
    certs/own-ca.sh crl "$workdir/ca" --out "$workdir/crl.pem" >&2
    "$bridgehead" "${create[@]}" --external-ca "$workdir/ca/ca.crt" --crl "$workdir/crl.pem" 2>&1 |
        tee "$workdir/hq.facts" >&2
    own_ca_sign hq
    "$bridgehead" cert install "$workdir/hq.crt" --data "$hq" >&2
}

# HQ-RES-DC-01 in Headquarters and BR3-VAN-DC-01 in Vancouver, both running.
make_two_nodes() { # forest name
    root="DC=${1//./,DC=}" child="vancouver.$1"
    hq_port=$(free_port)
    taken=$hq_port
    van_port=$(free_port)
    say "== making forest $1 (HQ-RES-DC-01 in Headquarters)"
    create_forest "$1"
    configure "$hq" "$hq_port" BR3-VAN-DC-01 "$van_port"
    start HQ "$hq"
    say "== adding child domain $child (BR3-VAN-DC-01 in Vancouver)"
    "$bridgehead" domain add "$child" --server BR3-VAN-DC-01 --site Vancouver --site-link "HQ/VAN Site Link" \
        --cost 50 --out "$workdir/van.join" --data "$hq" >&2
    "$bridgehead" join "$workdir/van.join" --data "$van" 2>&1 | tee "$workdir/van.facts" >&2
    if [ "${external_ca:-false}" = true ]; then
        own_ca_sign van
        "$bridgehead" cert install "$workdir/van.crt" --server BR3-VAN-DC-01 --data "$hq" >/dev/null
    else
        "$bridgehead" ca sign "$van/pki/dsa.csr" --server BR3-VAN-DC-01 --out "$workdir/van.crt" --data "$hq" >&2
    fi
    "$bridgehead" cert install "$workdir/van.crt" --data "$van" >&2
    configure "$van" "$van_port" HQ-RES-DC-01 "$hq_port"
    start Vancouver "$van"
}

dump() { timeout 60 "$bridgehead" export --canonical --partial-attributes --data "$1" >"$1.dump" 2>/dev/null; }
# Both dumps of every naming context, byte for byte; a domain as far as the partial attribute set goes.
dumps_equal() {
    dump "$hq" && dump "$van" && [ -s "$workdir/hq.dump" ] && cmp -s "$workdir/hq.dump" "$workdir/van.dump"
}

wait_until_equal() { # seconds
    local end=$(($(date +%s) + $1))
    while [ "$(date +%s)" -lt "$end" ]; do
        if dumps_equal; then return 0; fi
        sleep 0.5
    done
    diff "$workdir/hq.dump" "$workdir/van.dump" | head -n 20 >&2 || true
    return 1
}
