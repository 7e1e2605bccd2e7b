#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# licences.sh FILE: the licences that a Debian copyright file names, one a line, in the order of their bytes.
# The rules are written down in README.md. AUDIT_PACE: seconds to wait first, for whoever wants to watch.
set -eu
LC_ALL=C
export LC_ALL
file=${1:?usage: licences.sh FILE}
[ -r "$file" ] || { echo "licences.sh: cannot read '$file'" >&2; exit 1; }
if [ -n "${AUDIT_PACE:-}" ]; then sleep "$AUDIT_PACE"; fi

exec awk '
    function add(name) {
        gsub(/[^!-~]/, "", name)
        if (name != "" && !(name in seen)) { seen[name] = 1; names[++count] = name }
    }
    # The first word of each alternative of a License field.
    function field(value,    words, n, i, word, first) {
        gsub(/[(),;]/, " & ", value)
        gsub(/[()]/, " ", value)
        n = split(value, words, /[ \t\r]+/)
        first = 1
        for (i = 1; i <= n; i++) {
            word = words[i]
            if (word == "") continue
            if (word == "," || word == ";" || tolower(word) ~ /^(or|and|and\/or)$/) { first = 1; continue }
            if (!first) continue
            first = 0
            sub(/\.+$/, "", word)
            add(word)
        }
    }
    function reference(line,    name) {
        while (match(line, /\/usr\/share\/common-licenses\/[A-Za-z0-9.+-]+/)) {
            name = substr(line, RSTART + 27, RLENGTH - 27)
            line = substr(line, RSTART + RLENGTH)
            sub(/\.+$/, "", name)
            if (name != "" && !(name in referred)) { referred[name] = 1; references[++referenceCount] = name }
        }
    }
    /^[ \t\r]*$/ { if (begun) headerEnded = 1 }
    !/^[ \t\r]*$/ {
        begun = 1
        if (!headerEnded && tolower($0) ~ /^format(-specification)?:/) machine = 1
    }
    tolower($0) ~ /^license:/ { fields[++fieldCount] = substr($0, 9) }
    { reference($0) }
    END {
        if (machine) for (i = 1; i <= fieldCount; i++) field(fields[i])
        if (count == 0) for (i = 1; i <= referenceCount; i++) add(references[i])
        if (count == 0) add("unknown")
        for (i = 2; i <= count; i++) {
            name = names[i]
            for (j = i - 1; j > 0 && names[j] > name; j--) names[j + 1] = names[j]
            names[j + 1] = name
        }
        for (i = 1; i <= count; i++) print names[i]
    }' "$file"
