# Sourced by scripts/torture: submits one mail over SMTP.

# The next reply's last line has this code.
answered() { # code; the session is file 3
    local line
    while IFS= read -r -t 60 line <&3; do
        case "$line" in
        "$1 "*) return 0 ;;
        "$1-"*) ;;
        *) return 1 ;;
        esac
    done
    return 1
}
tell() { printf '%s\r\n' "$1" >&3; }
# One mail over SMTP; true when its last dot was answered 250.
submit() ( # port, recipient, file
    trap '' PIPE
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    answered 220 && tell "EHLO torture.example" && answered 250 &&
        tell "MAIL FROM:<stranger@torture.example>" && answered 250 && tell "RCPT TO:<$2>" && answered 250 &&
        tell DATA && answered 354 && sed 's/^\./../; s/\r*$/\r/' "$3" >&3 && tell . && answered 250 || exit 1
    tell QUIT || true
)
