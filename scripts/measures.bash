# Sourced by scripts/bench: clocks and counters of processes, the samples of all runs, and the tables made of them.
# Expects: $bench (the program of Benchmarks/), $workdir, $runs, $is_counted (the loopback interface is ours alone).

ticks_per_second=$(getconf CLK_TCK)
microseconds() { echo "${EPOCHREALTIME/[.,]/}"; }
# User and system time of a process since its start, in microseconds.
processor_microseconds() { # pid
    local line
    line=$(cat "/proc/$1/stat")
    set -- ${line##*) }
    echo $(((${12} + ${13}) * (1000000 / ticks_per_second)))
}
peak_kibibytes() { awk '$1 == "VmHWM:" { print $2 }' "/proc/$1/status"; } # pid
loopback_octets() { awk '$1 == "lo:" { print $2 }' /proc/net/dev; }
# Whether somebody listens at a Unix socket.
is_listening() { grep -q " 00010000 .* $1\$" /proc/net/unix; } # path
fsync_median() { timeout 60 "$bench" fsync --folder "$workdir"; }
# What was written before must not be written during a run.
settle() { timeout 120 sync -f "$workdir" || true; sleep 0.3; }

# One run of one row; octets that were not counted are -. The latency is the mean of before and after the run.
record() { # row, items, wall us, source CPU us, receiver CPU us, loopback octets, mail octets, RSS KiB of both, fsync us
    local latency
    latency=$(awk -v before="${*: -1}" -v after="$(fsync_median)" 'BEGIN { printf "%.0f", (before + after) / 2 }')
    printf '%s\t' "${@:1:$#-1}" "$latency" | sed 's/\t$/\n/' >>"$workdir/samples.tsv"
    say "   $(awk -F'\t' 'END { printf "%s: %.2f s for %d", $1, $3 / 1e6, $2 }' "$workdir/samples.tsv")"
}

# Medians of all rows in the order of their first run, with the ratios of the first row to the others.
report() { # what is counted (objects), title, table | json
    awk -F'\t' -v unit="$1" -v title="$2" -v form="$3" -v command="$command" '
        function median(row, column,    i, j, n, values, swap) {
            n = 0
            for (i = 1; i <= count[row]; i++)
                if (sample[row, i, column] != "-") values[++n] = sample[row, i, column] + 0
            if (n == 0) return "-"
            for (i = 1; i < n; i++) for (j = i + 1; j <= n; j++)
                if (values[j] < values[i]) { swap = values[i]; values[i] = values[j]; values[j] = swap }
            return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
        }
        function each(row, column,    value) {
            value = median(row, column)
            return value == "-" ? "-" : value / items[row]
        }
        function text(value, digits) { return value == "-" ? "-" : sprintf("%." digits "f", value) }
        function json(value, digits) { return value == "-" ? "null" : text(value, digits) }
        {
            if (!($1 in items)) { name[++rows] = $1; items[$1] = $2 }
            count[$1]++
            for (i = 3; i <= NF; i++) sample[$1, count[$1], i] = $i
        }
        END {
            one = unit; sub(/s$/, "", one)
            for (r = 1; r <= rows; r++) {
                n = name[r]
                rate[r] = items[n] / (median(n, 3) / 1e6)
                cpu[r] = each(n, 4) + each(n, 5)
            }
            if (form == "json") {
                printf "{\"benchmark\":\"%s\",\"title\":\"%s\",\"unit\":\"%s\",\"runs\":%d,\"rows\":[", command, title,
                    one, count[name[1]]
                for (r = 1; r <= rows; r++) {
                    n = name[r]
                    printf "%s{\"system\":\"%s\",\"items\":%d,\"perSecond\":%.1f,\"cpuMicroseconds\":{\"source\":%s,",
                        (r > 1 ? "," : ""), n, items[n], rate[r], json(each(n, 4), 1)
                    printf "\"receiver\":%s,\"sum\":%s},", json(each(n, 5), 1), json(cpu[r], 1)
                    printf "\"wireOctets\":%s,\"mailOctets\":%s,", json(each(n, 6), 1), json(each(n, 7), 1)
                    printf "\"peakMebibytes\":{\"source\":%s,\"receiver\":%s},\"fsyncMicroseconds\":%s",
                        json(median(n, 8) / 1024, 1), json(median(n, 9) / 1024, 1), json(median(n, 10), 0)
                    printf ",\"ratio\":%.2f}", rate[1] / rate[r]
                }
                print "]}"
                exit
            }
            printf "%s; median of %d\n\n", title, count[name[1]]
            format = "%-28s %10s  %7s %8s %7s  %8s %8s  %7s %8s  %8s\n"
            printf format, "", unit, "CPU us/" one, "", "", "octets/" one, "", "RSS MiB", "", "fsync us"
            printf format, "", (items[name[1]] > 1 ? "/s" : "ms each"), "source", "receiver", "sum", "wire", "mail", "source", "receiver", "p50"
            for (r = 1; r <= rows; r++) {
                n = name[r]
                printf format, n, text(items[n] > 1 ? rate[r] : 1000 / rate[r], 0), text(each(n, 4), 1), text(each(n, 5), 1), text(cpu[r], 1),
                    text(each(n, 6), 0), text(each(n, 7), 0), text(median(n, 8) / 1024, 0),
                    text(median(n, 9) / 1024, 0), text(median(n, 10), 0)
            }
            if (rows > 1) print ""
            for (r = 2; r <= rows; r++) {
                n = name[r]
                printf "against %s: %.2fx", n, rate[1] / rate[r]
                if (cpu[r] > 0) printf ", CPU %.2fx", cpu[1] / cpu[r]
                if (each(n, 6) != "-" && each(name[1], 6) != "-")
                    printf ", octets on the wire %.2fx", each(name[1], 6) / each(n, 6)
                print ""
            }
        }' "$workdir/samples.tsv"
}
