# The keeper of one server: it makes the server's folder, runs one command after another from standard
# input, and answers each with its exit code. When the input ends, because the test's process has ended in
# whatever way, it stops the server at once and removes the folder. A command that was begun is over by
# then, so there is no server that it doesn't know.
bin=$1
PATH=$bin:$PATH
# A reader that is gone must not keep it from its last duty.
trap '' PIPE
folder=$(mktemp -d "${TMPDIR:-/tmp}/liem-pg.XXXXXX" || mktemp -d /tmp/liem-pg.XXXXXX) || exit 1
chmod 755 "$folder"
data=$folder/data
echo "$folder"
while IFS= read -r command; do
    (eval "$command") >>"$folder/commands.log" 2>&1 </dev/null
    echo $?
done
if [ -e "$data/postmaster.pid" ]; then
    pg_ctl -D "$data" -m immediate -w stop >>"$folder/commands.log" 2>&1
fi
rm -rf "$folder"
