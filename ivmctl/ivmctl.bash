# SPDX-License-Identifier: GPL-2.0-only
# bash completion for ivmctl. All it knows comes from "ivmctl help --complete".

# What there is of a kind.
_ivmctl_names()
{
	case $1 in
	NAME) ivmctl vm list ;;
	SWITCH) ivmctl switch list ;;
	PORT) ivmctl port list ;;
	DEVICE) printf 'DEVICE\n'; (cd /sys/class/net && printf '%s\n' *) ;;
	esac 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_ivmctl()
{
	local current=${COMP_WORDS[COMP_CWORD]} noun='' verb='' at=1 operand table line words
	local -a rest

	# COMP_WORDBREAKS splits at '='; after it, complete file names, but where only a few words can be.
	if [[ $current == = || ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
		if [[ " ${COMP_WORDS[COMP_CWORD - 1]} ${COMP_WORDS[COMP_CWORD - 2]} " == *" cosched "* ]]; then
			mapfile -t COMPREPLY < <(compgen -W 'strict relaxed off' -- "${current#=}")
			return
		fi
		compopt -o default
		COMPREPLY=()
		return
	fi
	table=$(ivmctl help --complete 2>/dev/null) || return
	while [[ ${COMP_WORDS[at]} == --json ]] && ((at < COMP_CWORD)); do at=$((at + 1)); done
	((at < COMP_CWORD)) && noun=${COMP_WORDS[at]}
	((at + 1 < COMP_CWORD)) && verb=${COMP_WORDS[at + 1]}

	if [[ -z $noun ]]; then
		words="--json $(cut -d ' ' -f 1 <<<"$table" | sort -u)"
	elif line=$(grep "^$noun - *" <<<"$table"); then
		words=${line#"$noun -"}
		[[ $noun == help ]] && words+=" $(cut -d ' ' -f 1 <<<"$table" | sort -u)"
	elif [[ -z $verb ]]; then
		words=$(awk -v noun="$noun" '$1 == noun { print $2 }' <<<"$table")
	else
		line=$(grep "^$noun $verb *" <<<"$table") || return
		read -ra rest <<<"${line#"$noun $verb"}"
		operand=$((COMP_CWORD - at - 2))
		# The first words say what names come first; a name to be made is nobody's to complete.
		case ${rest[operand]} in
		NAME | SWITCH | PORT | DEVICE)
			[[ $verb == create ]] || words=$(_ivmctl_names "${rest[operand]}") ;;
		*)
			words=$(printf '%s\n' "${rest[@]}" | grep -vxE 'NAME|SWITCH|PORT|DEVICE') ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
	[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}

complete -F _ivmctl ivmctl
