# Sourced by scripts/bench after scripts/two-nodes.bash and scripts/measures.bash: HQ and Vancouver with people, the
# states that a run starts from (templates), and the runs.

# Nothing is told before it is asked for: what a run measures starts with Vancouver's own request.
replication_settings="notifyDelay: 24h" mail_settings="archive: false"

# Both running, with equal replicas and no people yet; all 18 attributes of the people travel to Vancouver.
make_equal_nodes() {
    local attribute
    make_two_nodes "$forest"
    # Two of them are not in the partial attribute set as it comes, which is all that a mail may carry of a domain.
    for attribute in departmentNumber Postal-Code; do
        printf 'dn: CN=%s,CN=Schema,CN=Configuration,%s\nchangetype: modify\nreplace: %s\n%s: TRUE\n\n' \
            "$attribute" "$root" isMemberOfPartialAttributeSet isMemberOfPartialAttributeSet
    done | "$bridgehead" object modify --data "$hq" >&2
    # The first request after it is declined, as the set is another now; nobody waits for what follows.
    "$bridgehead" replicate now --data "$van" >&2
    for _ in $(seq 100); do
        if "$bridgehead" object get "CN=Postal-Code,CN=Schema,CN=Configuration,$root" --data "$van" 2>/dev/null |
            grep -q "^isMemberOfPartialAttributeSet: TRUE"; then break; fi
        sleep 0.2
    done
    sleep 1
    become_equal
}
# Both have asked, and nothing is on its way any more.
become_equal() {
    local node
    # Vancouver again: what HQ applied took USNs that its vector shows.
    for node in "$van" "$hq" "$van"; do
        timeout $((run_seconds + 10)) "$bridgehead" replicate now --wait --timeout "$run_seconds" --data "$node" >&2 ||
            fail "${node##*/} did not get its partner's changes" "see $node.log"
    done
    wait_until_equal "$run_seconds" || fail "HQ and Vancouver differ" "see $hq.log and $van.log"
}
import_people() {
    say "-- importing $people people at HQ"
    timeout "$run_seconds" "$bridgehead" import "$workdir/people.ldif" --data "$hq" >&2
}

# A stopped node's directory as a run shall find it.
keep() { rm -rf "$1.template"; rm -f "$1/admin.sock"; mv "$1" "$1.template"; } # directory
restore() { rm -rf "$1"; cp -a "$1.template" "$1"; } # directory

make_full_sync_templates() {
    make_equal_nodes
    stop_node "$van"
    import_people
    stop_node "$hq"
    keep "$hq"
    keep "$van"
    expected=$((people + 1))
}
make_catch_up_templates() {
    make_equal_nodes
    import_people
    become_equal
    stop_node "$van"
    say "-- changing one attribute of each at HQ"
    timeout "$run_seconds" "$bridgehead" import "$workdir/changes.ldif" --data "$hq" >&2
    stop_node "$hq"
    keep "$hq"
    keep "$van"
    expected=$people
}

# A node's events from now on, one JSON object a line, in a file.
watch_node() { # directory, kinds
    local kind kinds=()
    for kind in "${@:2}"; do kinds+=(--kind "$kind"); done
    timeout "$run_seconds" "$bridgehead" watch --json "${kinds[@]}" --data "$1" >"$1.events" 2>/dev/null &
    echo $! >"$1.watch.pid"
}
# Octets of the mails sent, as the events tell; `pattern` says which.
mail_octets() { # directory
    sed -n 's/.*[^0-9]sent \([0-9]*\) octets.*/\1/p' "$1.events" | awk '{ sum += $1 } END { print sum + 0 }'
}

# The USN of HQ's that Vancouver has adopted the vector of, and the one up to which HQ has answered.
adopted_usn() {
    timeout 60 "$bridgehead" repl cursors --json --data "$van" | awk -v ours="\"namingContext\" : \"$root\"," '
        /"namingContext" :/ { inside = index($0, ours) }
        inside && /"newestAdopted" :/ { gsub(/[^0-9]/, ""); print; exit }'
}
answered_usn() { sed -n "/\"$root\"/s/.*as of USN \([0-9]*\).*/\1/p" "$hq.events" | tail -n 1; }

# Follows Vancouver's events until its replica of the root domain is complete, which is when it adopts HQ's vector;
# sets $reached to that moment. Sets $missed when all was over before the events could be followed.
await_adoption() { # seconds
    local end=$((SECONDS + $1)) line watcher
    reached='' missed=false
    coproc WATCH { exec "$bridgehead" watch --json --kind applied --data "$van" 2>/dev/null; }
    watcher=$WATCH_PID
    exec {from}<&"${WATCH[0]}"
    while [ "$SECONDS" -lt "$end" ] && [ -z "$reached" ]; do
        if ! IFS= read -r -t 5 line <&"$from"; then
            is_running "$van" && kill -0 "$watcher" 2>/dev/null || break
            if [ "$(adopted_usn)" = "$(answered_usn)" ]; then missed=true; break; fi
            continue
        fi
        case "$line" in *'"adopted":"true"'*"\"namingContext\":\"$root\""*) reached=$(microseconds) ;; esac
    done
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
    exec {from}<&-
    [ -n "$reached" ]
}

# One run: Vancouver starts, asks, and is done when it has adopted all that HQ holds.
run_nodes() { # row's name, attempt
    local began received wire=- fsync started source receiver answered node
    restore "$hq"
    restore "$van"
    : >"$hq.log"
    : >"$van.log"
    start HQ "$hq"
    watch_node "$hq" mail-sent answered
    settle
    fsync=$(fsync_median)
    source=$(cat "$hq.pid")
    started=$(processor_microseconds "$source")
    received=$(loopback_octets)
    began=$(microseconds)
    "$bridgehead" serve --data "$van" >>"$van.log" 2>&1 &
    receiver=$!
    echo "$receiver" >"$van.pid"
    until is_listening "$van/admin.sock"; do
        is_running "$van" || fail "Vancouver did not start" "see $van.log"
        sleep 0.01
    done
    if ! await_adoption "$run_seconds"; then
        [ "$missed" = true ] && [ "${2:-1}" -lt 5 ] ||
            fail "Vancouver was not complete within $run_seconds s" "see $hq.log and $van.log"
        say "   Vancouver was quicker than its watcher: once more"
        for node in "$hq.watch" "$van" "$hq"; do stop_node "$node"; done
        run_nodes "$1" $((${2:-1} + 1))
        return
    fi
    sleep 0.2
    if [ "$is_counted" = true ]; then wire=$(($(loopback_octets) - received)); fi
    stop_node "$hq.watch"
    record "$1" "$people" $((reached - began)) $(($(processor_microseconds "$source") - started)) \
        "$(processor_microseconds "$receiver")" "$wire" "$(mail_octets "$hq")" \
        "$(peak_kibibytes "$source")" "$(peak_kibibytes "$receiver")" "$fsync"
    answered=$(sed -n "s/.*\"namingContext\":\"$root\".*\"objects\":\"\([0-9]*\)\".*/\1/p;t
        s/.*\"objects\":\"\([0-9]*\)\".*\"namingContext\":\"$root\".*/\1/p" "$hq.events" |
        awk '{ sum += $1 } END { print sum + 0 }')
    [ "$answered" -ge "$expected" ] || fail "HQ sent $answered objects, not $expected" "see $hq.log"
    if [ "$run" = "$runs" ]; then become_equal; fi
    stop_node "$van"
    stop_node "$hq"
}

# Both running with people, told at once of every change.
make_single_change_nodes() {
    make_equal_nodes
    import_people
    become_equal
    stop_node "$hq"
    stop_node "$van"
    replication_settings="notifyDelay: 0s"
    configure "$hq" "$hq_port" BR3-VAN-DC-01 "$van_port"
    configure "$van" "$van_port" HQ-RES-DC-01 "$hq_port"
    start HQ "$hq"
    start Vancouver "$van"
    become_equal
}
run_single_change() {
    local began received wire=- fsync source receiver source_started receiver_started mail writer
    source=$(cat "$hq.pid") receiver=$(cat "$van.pid")
    watch_node "$hq" mail-sent
    settle
    fsync=$(fsync_median)
    printf 'dn: uid=u000007,ou=people,%s\nchangetype: modify\nreplace: telephoneNumber\ntelephoneNumber: +1 555 %07d\n' \
        "$root" "$((RANDOM * 10 + run))" >"$workdir/change.ldif"
    source_started=$(processor_microseconds "$source") receiver_started=$(processor_microseconds "$receiver")
    received=$(loopback_octets)
    (sleep 0.5; microseconds >"$workdir/began"; exec "$bridgehead" object modify "$workdir/change.ldif" --data "$hq") >&2 &
    writer=$!
    await_adoption 60 || fail "the change did not come within 60 s" "see $hq.log and $van.log"
    wait "$writer"
    began=$(cat "$workdir/began")
    sleep 0.5
    if [ "$is_counted" = true ]; then wire=$(($(loopback_octets) - received)); fi
    stop_node "$hq.watch"
    # Of HQ's mails (the news, then the part) the part is the larger one.
    mail=$(sed -n 's/.*[^0-9]sent \([0-9]*\) octets.*/\1/p' "$hq.events" | sort -n | tail -n 1)
    record Bridgehead 1 $((reached - began)) $(($(processor_microseconds "$source") - source_started)) \
        $(($(processor_microseconds "$receiver") - receiver_started)) "$wire" "$mail" \
        "$(peak_kibibytes "$source")" "$(peak_kibibytes "$receiver")" "$fsync"
}
