# SPDX-License-Identifier: GPL-3.0-or-later
# mailmill.bash - completion; copy to /usr/share/bash-completion/completions/mailmill
#
# Commands and options are asked of the program itself, so they can't go stale.
_mailmill() {
	local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(mailmill help |
			awk '/^  [a-z]/ { print $1 }') help" -- "$word")
		return
	fi
	case $word in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$(mailmill "$command" --help |
			grep -oE -- '--[a-z-]+' | sort -u)" -- "$word")
		return
		;;
	esac
	if [ "$COMP_CWORD" -eq 2 ]; then
		local actions=
		case $command in
		queue) actions="list show retry drop release outbox stats balance check" ;;
		script) actions="list show versions log put restore activate deactivate" ;;
		token) actions="key make check" ;;
		user) actions="add remove passwd list" ;;
		esac
		if [ -n "$actions" ]; then
			mapfile -t COMPREPLY < <(compgen -W "$actions" -- "$word")
			return
		fi
	fi
	mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -o filenames -F _mailmill mailmill
