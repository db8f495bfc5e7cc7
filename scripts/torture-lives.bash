# Sourced by scripts/torture: databases that are put back, days that pass, and what may be missing afterwards.
#
# Which losses a put-back excuses. While the victim is down its partner is asked what it holds. Of all that the victim's
# own writers ever began, what neither the partner nor the copy holds is excused, and nothing else: it may come back (a
# mail may be under way) or not. Before that the partner must hold everything that its own writers wrote, so whatever
# it wrote must survive. A restore without --from-gc also gives up what the victim's own domain wrote since the backup.
# A copy holds at least what its node showed before the copy was begun.

# Seconds that the nodes' calendar is ahead, for the preloaded clock; the programs run through a wrapper that reads it.
prepare_clock() {
    local compiler
    compiler=$(command -v cc || command -v clang) || fail "no C compiler for scripts/clock-ahead.c" "install one"
    "$compiler" -shared -fPIC -O2 -o "$workdir/clock-ahead.so" scripts/clock-ahead.c
    echo 0 >"$workdir/clock"
    cat >"$workdir/bridgehead" <<SH
#!/bin/sh
read -r CLOCK_AHEAD <"$workdir/clock"
export CLOCK_AHEAD LD_PRELOAD="$workdir/clock-ahead.so"
exec "$bridgehead" "\$@"
SH
    chmod +x "$workdir/bridgehead"
    bridgehead="$workdir/bridgehead"
}

name_of() { if [ "$1" = hq ]; then echo HQ; else echo Vancouver; fi; }
is_taken_back() { [ -e "$workdir/taken-back.$1" ]; } # side
lines_without() { comm -23 "$1" "$2"; } # two sorted files

# What a node holds, as elements: those shown, and X.deleted for the deleted objects that it keeps.
note_held() { # side, file
    elements "$(node "$1")" | sort -u >"$2.shown"
    tombstones "$(node "$1")" >"$2.dead"
    sort -u "$2.shown" "$2.dead" >"$2"
}
tombstones() { # directory
    local container error="$1.error"
    for container in "CN=Configuration,$root" "$root" "DC=vancouver,$root"; do
        # A replica that is not there yet has no such container.
        timeout 60 "$bridgehead" object get "CN=Deleted Objects,$container" --scope sub --deleted --attributes cn \
            --limit 10000 --data "$1" 2>"$error" || grep -q 'no such object' "$error"
    done | sed -n 's/^dn: CN=\(\(hq\|van\)\.[xy]\.[0-9]*\)\\0ADEL:.*/\1.deleted/p' | sort -u
}

# What a node lacks of that which its own writers had acknowledged, and what it shows although they deleted it.
owed() { # side
    local side=$1 set="$workdir/set" now="$workdir/set/now.$1"
    sort -u "$set/$side.acknowledged" >"$now.acknowledged"
    note_held "$side" "$now"
    sort -u "$set/$side.begun" >"$now.begun"
    judge "$now" "$now"
}
# Of a list of acknowledged elements, those that must be held and are not, and deletions that did not stay.
judge() { # prefix of the files .acknowledged and .begun, prefix of .shown
    local set="$workdir/set"
    sed -n 's/deleted$/object/p' "$1.begun" | sort >"$1.doomed"
    sed '/deleted$/d' "$1.acknowledged" | comm -23 - "$set/excused" | comm -23 - "$1.doomed" |
        comm -23 - "$2.shown" | sed 's/$/ is missing/'
    sed -n '/deleted$/p' "$1.acknowledged" | comm -23 - "$set/excused" | sed 's/deleted$/object/' | sort |
        comm -12 - "$2.shown" | sed 's/$/ is there again/'
}

# A node that waits for a person gets one; its reason must be that this was the day's second cure.
attend() { # side
    local text
    text=$(timeout 20 "$bridgehead" repl show --json --data "$(node "$1")" 2>/dev/null |
        sed -n 's/.*"text" : "\(this DSA replicates no more.*\)".*/\1/p') || return 0
    [ -n "$text" ] || return 0
    printf '%s: %s\n' "$1" "$text" >>"$workdir/halts"
    timeout 60 "$bridgehead" repl cure --force --data "$(node "$1")" >/dev/null 2>&1 || return 0
    cures_ordered=$((cures_ordered + 1))
}
# Waits until a node holds all that its own writers had acknowledged.
wait_until_even() { # side
    local side=$1 end=$((SECONDS + 90))
    ready "$(name_of "$side")" "$(node "$side")"
    until owed "$side" >"$workdir/set/owed.$side" && ! [ -s "$workdir/set/owed.$side" ]; do
        [ "$SECONDS" -lt "$end" ] || {
            show "$workdir/set/owed.$side"
            fail "$side does not get back what partners have" "see $workdir; seed $seed"
        }
        attend "$side"
        ready "$(name_of "$(other "$side")")" "$(node "$(other "$side")")"
        sleep 0.3
    done
    if is_taken_back "$side"; then
        rm "$workdir/taken-back.$side"
        unlock_values "$side"
    fi
}

# The values that one writer adds to one attribute share its stamp: while a node is taken back, it may not write them.
lock_values() { # side
    if [ "$1" = hq ]; then exec 7>>"$workdir/values.hq" && flock 7; else exec 8>>"$workdir/values.van" && flock 8; fi
}
unlock_values() { if [ "$1" = hq ]; then flock -u 7; else flock -u 8; fi; } # side

bring_down() { # side, TERM or KILL
    local directory pid status=0
    directory=$(node "$1")
    [ "$2" = KILL ] || ready "$(name_of "$1")" "$directory"
    pid=$(cat "$directory.pid")
    is_running "$directory" || fail "$1 has ended by itself" "see $directory.log; seed $seed"
    kill -"$2" "$pid"
    wait "$pid" 2>/dev/null || status=$?
    if [ "$2" = TERM ] && [ "$status" -ne 0 ]; then
        fail "$1 ended with $status when it was asked to stop" "see $directory.log; seed $seed"
    fi
}

# A clean stop and a start; half of the times the files of the database are copied while nothing runs.
restart_one() { # side
    local copy="$workdir/copies/$1"
    if [ $((RANDOM % 2)) -eq 0 ]; then
        ready "$(name_of "$1")" "$(node "$1")"
        rm -rf "$copy" && mkdir -p "$copy"
        note_held "$1" "$copy/held"
        bring_down "$1" TERM
        cp "$(node "$1")"/directory.sqlite* "$(node "$1")/generation" "$copy/"
        touch "$copy/whole"
    else
        bring_down "$1" TERM
    fi
    launch "$(node "$1")"
    restarts=$((restarts + 1))
}
back_up() { # side
    local copy="$workdir/backups/$1"
    ready "$(name_of "$1")" "$(node "$1")"
    rm -rf "$copy" && mkdir -p "$copy"
    note_held "$1" "$copy/held"
    timeout 60 "$bridgehead" backup --out "$copy/file" --data "$(node "$1")" >/dev/null 2>"$copy/error" ||
        fail "a backup failed: $(head -n1 "$copy/error")" "see $(node "$1").log; seed $seed"
    touch "$copy/whole"
    backups=$((backups + 1))
}

# Notes what may be missing once this node is taken back to this copy; it is down.
excuse() { # side, copy's folder, yes when its own domain is given up
    local side=$1 set="$workdir/set" now="$workdir/set/excuse"
    cat "$set/settled" "$now.partner" >"$now.known"
    if [ "$3" = yes ]; then grep -v "^$side\.[dy]\." "$now.partner" >"$now.known" || true; fi
    sort -u "$now.known" "$2/held" "$set/settled" >"$now.kept"
    sort -u "$set/$side.begun" | comm -23 - "$now.kept" | sort -u - "$set/excused" >"$now.new"
    mv "$now.new" "$set/excused"
}
take_back() { # side, restore | restore-from-gc | put-back | put-back-all
    local side=$1 how=$2 partner copy directory gives_up=no
    partner=$(other "$side") directory=$(node "$side") copy="$workdir/copies/$1"
    case $how in restore*) copy="$workdir/backups/$1" ;; esac
    if [ ! -e "$copy/whole" ]; then return 1; fi
    wait_until_even "$side"
    wait_until_even "$partner"
    touch "$workdir/taken-back.$side"
    lock_values "$side"
    bring_down "$side" KILL
    for _ in $(seq 20); do
        if ! compgen -G "$(node "$partner")/mailroot/Drop/*.eml" >/dev/null; then break; fi
        sleep 0.1
    done
    note_held "$partner" "$workdir/set/excuse.partner"
    if [ "$how" = restore ]; then gives_up=yes; fi
    excuse "$side" "$copy" "$gives_up"
    case $how in
    restore*)
        if [ "$how" = restore ]; then set -- --force; else set -- --force --from-gc; fi
        "$bridgehead" restore "$copy/file" "$@" --data "$directory" >>"$directory.log" 2>&1 ||
            fail "a restore failed" "see $directory.log; seed $seed"
        restores=$((restores + 1))
        ;;
    put-back*)
        rm -f "$directory"/directory.sqlite*
        cp "$copy"/directory.sqlite* "$directory/"
        if [ "$how" = put-back-all ]; then cp "$copy/generation" "$directory/"; fi
        put_back=$((put_back + 1))
        ;;
    esac
    touch "$workdir/was-taken-back.$side"
    if [ "$how" != restore ]; then touch "$workdir/recovers.$side"; fi
    launch "$directory"
}

# Deletions that both nodes know; what is collected later was among them before. Waits for all that were acknowledged.
settle_deletions() {
    local set="$workdir/set" side end=$((SECONDS + 60))
    sed -n '/deleted$/p' "$set"/{hq,van}.acknowledged | sort -u | comm -23 - "$set/excused" |
        comm -23 - "$set/settled" >"$set/wanted"
    while :; do
        for side in hq van; do
            ready "$(name_of "$side")" "$(node "$side")"
            attend "$side"
            note_held "$side" "$set/settling.$side"
        done
        comm -12 "$set"/settling.{hq,van}.dead | sort -u - "$set/settled" >"$set/settled.new"
        mv "$set/settled.new" "$set/settled"
        lines_without "$set/wanted" "$set/settled" >"$set/unsettled"
        if [ ! -s "$set/unsettled" ]; then return; fi
        [ "$SECONDS" -lt "$end" ] || { show "$set/unsettled"; fail "deletions do not get through" "seed $seed"; }
        sleep 0.3
    done
}
# Both nodes wake up a day later. Copies of the day before are too old: deletions may be collected without them.
pass_a_day() {
    local side
    settle_deletions
    for side in hq van; do
        if is_taken_back "$side"; then wait_until_even "$side"; fi
    done
    for side in hq van; do bring_down "$side" TERM; done
    rm -rf "$workdir"/{copies,backups}
    days=$((days + 1)) restarts=$((restarts + 2))
    echo $((days * 86400)) >"$workdir/clock"
    for side in hq van; do launch "$(node "$side")"; done
    for side in hq van; do ready "$(name_of "$side")" "$(node "$side")"; done
}

# Both hold the same, but for tombstones: a node that was taken back got some of them again, and keeps them longer.
wait_until_alike() { # seconds
    local end=$((SECONDS + $1)) directory is_deleted=1.2.840.113556.1.2.48
    while [ "$SECONDS" -lt "$end" ]; do
        for directory in "$hq" "$van"; do
            dump "$directory" || continue 2
            awk -v mark="$is_deleted" 'NR == FNR { if ($2 == mark) dead[$1]; next } !($1 in dead) && !($2 in dead)' \
                "$directory.dump" "$directory.dump" >"$directory.live"
        done
        if [ -s "$hq.live" ] && cmp -s "$hq.live" "$van.live"; then return 0; fi
        sleep 0.5
    done
    diff "$hq.live" "$van.live" | head -n 20 >&2 || true
    return 1
}

# Something beside kills, by chance; the seed decides what comes when.
something_else() {
    local side=hq
    if [ $((RANDOM % 2)) -eq 0 ]; then side=van; fi
    local chance=$((RANDOM % 14))
    if [ "$no_put_back" = yes ] && [ "$chance" -gt 2 ]; then return; fi
    case $chance in
    0 | 1) restart_one "$side" ;;
    2) back_up "$side" ;;
    3) take_back "$side" restore || back_up "$side" ;;
    4) take_back "$side" restore-from-gc || back_up "$side" ;;
    5) take_back "$side" put-back || restart_one "$side" ;;
    6) take_back "$side" put-back-all || restart_one "$side" ;;
    esac
}
