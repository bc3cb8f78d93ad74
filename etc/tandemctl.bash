# SPDX-License-Identifier: Apache-2.0
# Completion of tandemctl for bash.
_tandemctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}

	case $before in
	--sort)
		mapfile -t COMPREPLY < <(compgen -W "active conns cps bytes rate" -- "$word")
		return
		;;
	explain)
		mapfile -t COMPREPLY < <(compgen -W "rs vs" -- "$word")
		return
		;;
	diff | apply)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--run-dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W \
		"status services servers sync connections doctor digest diff explain drain maint disable ready weight \
		check-now apply confirm rollback leave reload upgrade version --service --for --until-idle --confirm-within \
		--virtualhost --json --stats --rate --sort --run-dir --help --version" -- "$word")
}
complete -F _tandemctl tandemctl
