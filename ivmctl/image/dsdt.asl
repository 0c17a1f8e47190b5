// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest cannot find out by itself: how to power off, its serial port,
 * its clock, and which addresses PCI devices may use. platform.h is made from
 * IVM_PLATFORM_* of include/uapi/linux/ivm.h.
 */
#include "platform.h"

DefinitionBlock ("", "DSDT", 2, "IVM", "IVMPLATF", 1)
{
	Name (\_S5, Package () { IVM_PLATFORM_SLP_TYP_S5, IVM_PLATFORM_SLP_TYP_S5, 0, 0 })

	Scope (\_SB)
	{
		/* Ports of the power management block and of the reset register: no room for PCI devices. */
		Device (PWR)
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, IVM_PLATFORM_PM1_EVT_PORT, IVM_PLATFORM_PM1_EVT_PORT, 1, 12)
			})
		}

		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_BBN, 0)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					       0, 0, 0xff, 0, 0x100)
				IO (Decode16, 0xcf8, 0xcf8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, 0, 0xcf7, 0, 0xcf8)
				/* Where BARs decode, and nowhere else; what is below 0xcf8 belongs to the devices further down. */
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, IVM_PLATFORM_PCI_IO_BASE, IVM_PLATFORM_PCI_IO_LAST,
					0, IVM_PLATFORM_PCI_IO_SIZE)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
					     0, IVM_PLATFORM_PCI_MMIO_BASE, IVM_PLATFORM_PCI_MMIO_LAST,
					     0, IVM_PLATFORM_PCI_MMIO_SIZE)
			})

			Device (COM1)
			{
				Name (_HID, EisaId ("PNP0501"))
				Name (_UID, 1)
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, IVM_PLATFORM_UART_PORT, IVM_PLATFORM_UART_PORT, 1, 8)
					IRQNoFlags () { IVM_PLATFORM_UART_GSI }
				})
			}

			Device (RTC)
			{
				Name (_HID, EisaId ("PNP0B00"))
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x70, 0x70, 1, 2)
					IRQNoFlags () { IVM_PLATFORM_RTC_GSI }
					IRQNoFlags () { 8 }
				})
			}
		}
	}
}
