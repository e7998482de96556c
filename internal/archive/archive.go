// Package archive says which old roots stay, and drops the others.
package archive
