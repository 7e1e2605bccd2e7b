#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# report.sh: reads {"context": {"files": […], "report": …}, "branches": […]} from its standard input, writes the report
# to the file that the context names and prints the counts as JSON.
#
# The report has a line for each licence: packages, licence, up to ten of the packages; tabs between. Most packages
# first, licences with as many in the order of their bytes.
set -eu
LC_ALL=C
export LC_ALL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# JSON, cut at its quotes: what stands outside of strings moves through the structure, strings are names or values.
awk -v work="$work" '
    BEGIN { RS = "\""; depth = 0 }
    function path(    i, text) {
        text = ""
        for (i = 1; i <= depth; i++) text = text "/" at[i]
        return text
    }
    function plain(text) {
        gsub(/\\"/, "\"", text)
        gsub(/\\\\/, "\\", text)
        return text
    }
    function value(text,    parts, n) {
        n = split(path(), parts, "/")
        if (n == 4 && parts[2] == "context" && parts[3] == "files") files[parts[4]] = text
        else if (n == 3 && parts[2] == "context" && parts[3] == "report") report = text
        else if (n == 4 && parts[2] == "branches" && parts[4] == "status" && text != "ok") missing++
        else if (n == 5 && parts[2] == "branches" && parts[4] == "output") print parts[3] "\t" text > (work "/pairs")
    }
    !inside {
        for (i = 1; i <= length($0); i++) {
            c = substr($0, i, 1)
            if (c == "{") { kind[++depth] = "object"; isName = 1 }
            else if (c == "[") { kind[++depth] = "array"; at[depth] = 0; isName = 0 }
            else if (c == "}" || c == "]") { depth--; isName = 0 }
            else if (c == ":") isName = 0
            else if (c == ",") { if (kind[depth] == "array") at[depth]++; else isName = 1 }
        }
        inside = 1
        held = ""
        next
    }
    {
        held = held $0
        tail = held
        sub(/.*[^\\]/, "", tail)
        if (length(tail) % 2 == 1) { held = held "\""; next }
        if (isName) at[depth] = plain(held); else value(plain(held))
        inside = 0
    }
    END {
        if (report == "") { print "report.sh: the context names no report" > "/dev/stderr"; exit 1 }
        print report > (work "/report")
        print missing + 0 > (work "/missing")
        for (i = 0; i in files; i++) print files[i] > (work "/files")
    }'

touch "$work/pairs" "$work/files"
[ "$(cat "$work/missing")" -eq 0 ] || { echo "report.sh: $(cat "$work/missing") branches have no result" >&2; exit 1; }
report=$(cat "$work/report")
packages=$(wc -l < "$work/files")

awk -F '\t' '
    FNR == NR { name = $0; sub(/\/copyright$/, "", name); sub(/.*\//, "", name); package[FNR - 1] = name; next }
    {
        if (++count[$2] <= 10) examples[$2] = examples[$2] (count[$2] > 1 ? ", " : "") package[$1]
    }
    END { for (name in count) printf "%d\t%s\t%s\n", count[name], name, examples[name] }
' "$work/files" "$work/pairs" | sort -t "$(printf '\t')" -k1,1nr -k2,2 > "$work/table"

mkdir -p "$(dirname "$report")"
{
    printf '# Licences named by %d packages: packages, licence, examples\n' "$packages"
    cat "$work/table"
} > "$report.new"
mv "$report.new" "$report"

awk -F '\t' -v packages="$packages" '
    BEGIN { printf "{\"packages\":%d,\"licences\":{", packages }
    {
        gsub(/\\/, "&&", $2)
        gsub(/"/, "\\\"", $2)
        printf "%s\"%s\":%d", (NR > 1 ? "," : ""), $2, $1
    }
    END { print "}}" }' "$work/table"
