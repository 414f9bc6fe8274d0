#!/usr/bin/perl
# What Doxygen reads instead of a source file; line numbers stay as they are.
#
# 1. "HW_STARTIO VminiHwStartIo;" declares a function by its role type. Doxygen would take it for a variable, so it gets
#    the parameters of the definition (a table that mk/docs.sh makes first, with --prototypes).
# 2. A comment inside a function that cites an article becomes part of the function's documentation, and so of the index.
# 3. "typedef struct _X {...} X, *PX;" would be called PX; it is split in two.
# 4. The marks of the passages that chapters quote, "//! [name]", are no documentation of what follows.
# 5. A picture of diagrams/ in Markdown becomes the piece of HTML that mk/docs/figures.py made of it.
# 6. "\copydoc X" on X itself would go round in circles: the declaration has the text already.
use strict;
use warnings;

my $table = ($ENV{VMINI_DOCS} // 'build/docs') . '/prototypes';
local $/;

if (@ARGV && $ARGV[0] eq '--prototypes') {
    shift @ARGV;
    for my $file (@ARGV) {
        open my $in, '<', $file or die "$file: $!";
        my $text = <$in>;
        while ($text =~ /^_Use_decl_annotations_\s+((?:[A-Za-z_]\w*[\s*]+)+)(\w+)\(([^)]*)\)\s*\{/gm) {
            my ($type, $name, $parameters) = ($1, $2, $3);
            $type =~ s/\b(?:NTAPI|VMINI_INIT|_Use_decl_annotations_)\b//g;
            s/\s+/ /g, s/^ | $//g for $type, $parameters;
            print "$name\t$type\t$parameters\n";
        }
    }
    exit 0;
}

open my $in, '<', $ARGV[0] or die "$ARGV[0]: $!";
my $text = <$in>;
if ($ARGV[0] =~ /\.[ch]$/) {
    my %prototype;
    if (open my $known, '<', $table) {
        for (split /\n/, <$known>) {
            my ($name, $type, $parameters) = split /\t/;
            $prototype{$name} = "$type $name($parameters);";
        }
    }
    $text =~ s/^[A-Z][A-Z0-9_]+ (\w+);/exists $prototype{$1} ? $prototype{$1} : $&/gme;
    $text =~ s{^( +)/\*( (?:(?!\*/).)*\\article(?:(?!\*/).)*\*/)}{$1/**$2}gms;
    $text =~ s/^(typedef struct _VMINI_\w+ )(\w+), \*(\w+);/$1$2; typedef $2 *$3;/gm;
    $text =~ s{^(\s*)//! \[}{$1// [}gm;
    $text =~ s/^\} (VMINI_\w+), \*(PVMINI_\w+);/} $1; typedef $1 *$2;/gm;
    $text =~ s{\\copydoc (Vmini\w+)(?=(?:(?!\*/).)*\*/\s*_Use_decl_annotations_[^(]*\b\1\()}{}gs;
}
if ($ARGV[0] =~ /\.md$/) {
    $text =~ s{^!\[[^\]]*\]\((?:\.\./)+diagrams/([^/)]+)/([^/)]+)\.svg\)$}{\\htmlinclude figure-$1-$2.html}gm;
}
print $text;
