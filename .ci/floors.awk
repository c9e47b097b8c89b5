# Checks that files import only downwards, and that every mod.rs only declares and re-exports.
#
#     awk -f .ci/floors.awk .ci/floors SOURCES...
#
# It reads the text: comments and what follows `#[cfg(test)] mod` do not count, and names are resolved through the re-exports of a
# folder's mod.rs.

FNR == 1 { file = FILENAME; in_tests = 0; test_next = 0 }

NR == FNR {
    sub(/#.*/, "")
    for (i = 1; i <= NF; i++) rank[$i] = ++floors
    next
}

{
    sub(/\/\/.*/, "")
    if (test_next && /^ *(pub(\([a-z]+\))? )?mod /) in_tests = 1
    test_next = /#\[cfg\(test\)\]/
    if (in_tests) next
    text[file] = text[file] " " $0
    if (file ~ /\/mod\.rs$/ && /^ *(pub(\([a-z]+\))? )?(async |unsafe )?(fn|struct|enum|impl|trait|const|static|type|macro_rules!)[ <]/)
        complain(file ":" FNR, "a mod.rs only declares and re-exports")
}

END {
    for (file in text) if (file ~ /\/mod\.rs$/) collect_exports(file)
    for (file in text) check(file)
    exit failed
}

# `pub use self::handle::UserSession` in session/mod.rs: the name session/UserSession stands for session/handle/UserSession.
function collect_exports(file,    rest, module) {
    module = module_of(file)
    rest = text[file]
    while (match(rest, /(^|[ )])use (self::)?/)) {
        rest = substr(rest, RSTART + RLENGTH)
        count = 0
        expand(rest, module)
        while (count > 0) { export[module "/" last_segment(path[count])] = path[count]; count-- }
    }
}

function check(file,    module, rest, base, own, used) {
    module = module_of(file)
    if (module == "lib" || file ~ /\/mod\.rs$/) return
    own = place(module)
    if (own == "") { complain(file, "stands on no floor: add it to .ci/floors"); return }
    rest = text[file]
    while (match(rest, /(^|[^a-zA-Z0-9_$])(crate|super)::/)) {
        base = substr(rest, RSTART, RLENGTH) ~ /super/ ? parent(module) : ""
        rest = substr(rest, RSTART + RLENGTH)
        while (sub(/^super::/, "", rest)) base = parent(base)
        count = 0
        expand(rest, base)
        while (count > 0) {
            used = path[count--]
            if (used in export) used = export[used]
            if (place(used) == "") complain(file, "uses " used ", which is on no floor; name it where it is defined")
            else if (place(used) != own && rank[place(used)] > rank[own]) complain(file, "imports " used " from above")
        }
    }
}

# Puts the paths that a use tree begins with into path[1..count], below base; gives what follows the tree.
function expand(tree, base,    name) {
    sub(/^ */, "", tree)
    if (tree ~ /^\{/) {
        tree = substr(tree, 2)
        while (1) {
            sub(/^[ ,]*/, "", tree)
            if (tree == "" || tree ~ /^\}/) return substr(tree, 2)
            tree = expand(tree, base)
        }
    }
    if (!match(tree, /^[a-zA-Z0-9_*]+/)) return substr(tree, 2)
    name = substr(tree, 1, RLENGTH)
    tree = substr(tree, RLENGTH + 1)
    if (name != "self") base = base == "" ? name : base "/" name
    if (tree ~ /^::[ ]*[a-zA-Z0-9_*{]/) { sub(/^::/, "", tree); return expand(tree, base) }
    sub(/^ as [a-zA-Z0-9_]+/, "", tree)
    path[++count] = base
    return tree
}

# The entry of .ci/floors that a module or a path belongs to.
function place(module) {
    while (module != "") {
        if (module in rank) return module
        module = parent(module)
    }
    return ""
}

function module_of(file) {
    sub(/^src\//, "", file)
    sub(/\.rs$/, "", file)
    sub(/\/mod$/, "", file)
    return file
}

function parent(module) { return sub(/\/[^\/]*$/, "", module) ? module : "" }

function last_segment(module) { sub(/.*\//, "", module); return module }

function complain(where, what) { print where ": " what; failed = 1 }
